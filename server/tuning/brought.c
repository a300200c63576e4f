#include "server/tuning/brought.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void brought_finish(struct brought *brought)
{
    for (size_t i = 0; i < brought->n; i++) {
        free(brought->trials[i].x);
        free(brought->trials[i].metrics);
        measurement_list_finish(&brought->trials[i].measurements);
    }
    free(brought->trials);
    *brought = (struct brought){0};
}

const double *brought_metric(const struct brought_trial *trial, const char *name)
{
    for (size_t i = 0; i < trial->n_metrics; i++) {
        if (strcmp(trial->metrics[i].metric, name) == 0) {
            return &trial->metrics[i].value;
        }
    }
    return NULL;
}

static int read_metrics(struct fields *fields, struct brought_trial *trial)
{
    const json_t *metrics = fields_object(fields, "metrics");
    const char *key;
    json_t *value;

    trial->metrics = calloc(json_object_size(metrics) + 1, sizeof *trial->metrics);
    if (trial->metrics == NULL) {
        return -1;
    }
    json_object_foreach (json_unconst(metrics), key, value) {
        if (!name_is_metric(key)) {
            fields_fault(fields, "metrics", "\"%.80s\" is no metric name: it has " NAME_METRIC_RULE,
                         key);
        } else if (!json_is_number_like(value)) {
            fields_fault(fields, "metrics",
                         "\"%.80s\" must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"", key);
        } else {
            struct metric_value *item = &trial->metrics[trial->n_metrics++];
            (void)snprintf(item->metric, sizeof item->metric, "%s", key);
            item->value = json_number_like(value);
        }
    }
    return 0;
}

static void read_curve(struct fields *fields, struct brought_trial *trial, struct faults *faults)
{
    const json_t *list = fields_array(fields, "measurements");

    if (list != NULL) {
        json_auto_t *wrapped = json_pack("{s:O}", "measurements", json_unconst(list));
        if (wrapped == NULL) {
            faults_no_memory(faults);
        } else if (measurement_list_from_json(wrapped, &trial->measurements, faults) != 0) {
            return; /* the faults say why */
        }
    }
}

static int read_trial(const struct study_def *def, const json_t *item, const char *pointer,
                      struct brought_trial *trial, struct faults *faults)
{
    struct fields fields;
    char at[180];
    static const char *const states[] = {"completed"};

    trial->x = calloc(def->space->n_params + 1, sizeof(double));
    if (trial->x == NULL) {
        return -1;
    }
    fields_begin(&fields, item, pointer, faults);
    const json_t *parameters = fields_object(&fields, "parameters");
    const char *state = fields_string(&fields, "state", NULL);
    if (state != NULL && strcmp(state, states[0]) != 0) {
        fields_fault(&fields, "state",
                     "only \"completed\" trials can be imported; leave it out to enqueue one");
    }
    trial->imported = state != NULL;
    if (read_metrics(&fields, trial) != 0) {
        return -1;
    }
    read_curve(&fields, trial, faults);
    if (!trial->imported
        && (fields_has(&fields, "metrics") || fields_has(&fields, "measurements"))) {
        fields_fault(&fields, "metrics",
                     "a configuration that is to be tried has none yet; add \"state\": "
                     "\"completed\" to import a finished trial");
    }
    fields_end(&fields);
    (void)snprintf(at, sizeof at, "%s/parameters", pointer);
    json_auto_t *empty = json_object();
    if (empty == NULL) {
        return -1;
    }
    if (space_config_from_json(def->space, parameters == NULL ? empty : parameters, trial->x, at,
                               faults)
        != 0) {
        return 0; /* the fault is in the list */
    }
    for (size_t i = 0; trial->imported && i < def->n_objectives; i++) {
        if (brought_metric(trial, def->objectives[i].metric) == NULL) {
            (void)snprintf(at, sizeof at, "%s/metrics", pointer);
            faults_add(faults, at, "the objective \"%s\" is missing", def->objectives[i].metric);
        }
    }
    return 0;
}

int brought_read(const struct study_def *def, const json_t *body, const char *at,
                 struct brought *brought, struct faults *faults, struct err *err)
{
    bool is_list = json_is_array(body);
    size_t n = is_list ? json_array_size(body) : 1;

    if (n == 0 || n > BROUGHT_MAX) {
        faults_add(faults, at, "must hold 1 to %d trials", BROUGHT_MAX);
        return faults_result(faults, err);
    }
    brought->trials = calloc(n, sizeof *brought->trials);
    if (brought->trials == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    brought->n = n;
    for (size_t i = 0; i < n; i++) {
        char pointer[48];
        (void)snprintf(pointer, sizeof pointer, is_list ? "%.20s/%zu" : "%.20s", at, i);
        if (read_trial(def, is_list ? json_array_get(body, i) : body, pointer, &brought->trials[i],
                       faults)
            != 0) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    return faults_result(faults, err);
}
