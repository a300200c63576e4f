/* Trials that are brought: configurations to be tried, and finished ones to learn from. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/state/events.h"
#include "server/state/limits.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/state/tried.h"
#include "server/tuning/internal.h"
#include "server/tuning/outcome.h"

#define ADD_MAX 1000

/* One element of the request, checked but not yet written. */
struct addition {
    bool imported;
    double *x;
    struct metric_value *metrics;
    size_t n_metrics;
    struct measurement_list measurements;
};

static void additions_free(struct addition *additions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(additions[i].x);
        free(additions[i].metrics);
        measurement_list_finish(&additions[i].measurements);
    }
    free(additions);
}

static const double *added_metric(const struct addition *addition, const char *name)
{
    for (size_t i = 0; i < addition->n_metrics; i++) {
        if (strcmp(addition->metrics[i].metric, name) == 0) {
            return &addition->metrics[i].value;
        }
    }
    return NULL;
}

static int read_metrics(struct fields *fields, struct addition *addition)
{
    const json_t *metrics = fields_object(fields, "metrics");
    const char *key;
    json_t *value;

    addition->metrics = calloc(json_object_size(metrics) + 1, sizeof *addition->metrics);
    if (addition->metrics == NULL) {
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
            struct metric_value *item = &addition->metrics[addition->n_metrics++];
            (void)snprintf(item->metric, sizeof item->metric, "%s", key);
            item->value = json_number_like(value);
        }
    }
    return 0;
}

static void read_curve(struct fields *fields, struct addition *addition, struct faults *faults)
{
    const json_t *list = fields_array(fields, "measurements");

    if (list != NULL) {
        json_auto_t *wrapped = json_pack("{s:O}", "measurements", json_unconst(list));
        if (wrapped == NULL) {
            faults_no_memory(faults);
        } else if (measurement_list_from_json(wrapped, &addition->measurements, faults) != 0) {
            return; /* the faults say why */
        }
    }
}

static int read_addition(const struct live_study *study, const json_t *item, const char *pointer,
                         struct addition *addition, struct faults *faults)
{
    struct fields fields;
    char at[180];
    static const char *const states[] = {"completed"};

    addition->x = calloc(study->def->space->n_params + 1, sizeof(double));
    if (addition->x == NULL) {
        return -1;
    }
    fields_begin(&fields, item, pointer, faults);
    const json_t *parameters = fields_object(&fields, "parameters");
    const char *state = fields_string(&fields, "state", NULL);
    if (state != NULL && strcmp(state, states[0]) != 0) {
        fields_fault(&fields, "state",
                     "only \"completed\" trials can be imported; leave it out to enqueue one");
    }
    addition->imported = state != NULL;
    if (read_metrics(&fields, addition) != 0) {
        return -1;
    }
    read_curve(&fields, addition, faults);
    if (!addition->imported
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
    if (space_config_from_json(study->def->space, parameters == NULL ? empty : parameters,
                               addition->x, at, faults)
        != 0) {
        return 0; /* the fault is in the list */
    }
    for (size_t i = 0; addition->imported && i < study->def->n_objectives; i++) {
        if (added_metric(addition, study->def->objectives[i].metric) == NULL) {
            (void)snprintf(at, sizeof at, "%s/metrics", pointer);
            faults_add(faults, at, "the objective \"%s\" is missing",
                       study->def->objectives[i].metric);
        }
    }
    return 0;
}

static int read_all(const struct live_study *study, const json_t *body, struct addition *additions,
                    size_t n, struct faults *faults, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        char pointer[32] = "";
        const json_t *item = body;
        if (json_is_array(body)) {
            (void)snprintf(pointer, sizeof pointer, "/%zu", i);
            item = json_array_get(body, i);
        }
        if (read_addition(study, item, pointer, &additions[i], faults) != 0) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    return faults_result(faults, err);
}

static char *metrics_text(const struct addition *addition)
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 1 << 16);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    for (size_t i = 0; i < addition->n_metrics; i++) {
        json_put_number(&w, addition->metrics[i].metric, addition->metrics[i].value);
    }
    json_object_end(&w);
    return buf_steal(&text);
}

static void set_imported(const struct tuning *tuning, const struct study_def *def,
                         const struct addition *addition, struct trial_row *row)
{
    double values[OBJECTIVES_MAX];
    bool finite = true;

    for (size_t i = 0; i < def->n_objectives; i++) {
        values[i] = *added_metric(addition, def->objectives[i].metric);
        finite = finite && isfinite(values[i]);
    }
    outcome_set_values(row, def->n_objectives, values);
    row->state = finite ? TRIAL_COMPLETED : TRIAL_FAILED;
    (void)snprintf(row->reason, sizeof row->reason, "%s", finite ? "" : "diverged");
    row->has_step = true;
    for (size_t i = 0; i < addition->measurements.n; i++) {
        int64_t step = addition->measurements.items[i].step;
        row->step = step > row->step ? step : row->step;
    }
    if (def->has_resource && addition->measurements.n == 0) {
        row->step = def->resource_max;
    }
    row->ended_at_ms = tuning->state.wall_ms;
}

static int store_curve(struct tuning *tuning, struct live_study *study, int64_t trial,
                       const struct measurement_list *list, struct err *err)
{
    for (size_t i = 0; i < list->n; i++) {
        enum store_append appended;
        int64_t metric;
        TRY(metric_id(&tuning->state, study, list->items[i].metric, &metric, err));
        TRY(store_measurement_append(tuning->state.store, trial, 0, metric, list->items[i].step,
                                     list->items[i].value, &appended, err));
    }
    return 0;
}

static void consider_imported(struct live_study *study, const struct trial_row *row)
{
    int64_t resource = study->def->has_resource ? study->def->resource_max : 0;
    double value = trial_row_value(row);

    if (isfinite(value)
        && (study->row.best_trial == 0 || resource > study->row.best_resource
            || study_is_better(study->def, value, study->row.best_value))) {
        study->row.best_trial = trial_id_number(row->id);
        study->row.best_value = value;
        study->row.best_resource = resource;
    }
}

static int write_one(struct tuning *tuning, struct live_study *study, struct addition *addition,
                     struct trials_add_command *command, struct err *err)
{
    struct trial_row row = {
        .id = trial_id(study->row.id, study->row.last_number + 1),
        .state = TRIAL_QUEUED,
        .source = addition->imported ? SOURCE_IMPORTED : SOURCE_ENQUEUED,
        .n_params = study->def->space->n_params,
        .config = addition->x,
        .created_at_ms = tuning->state.wall_ms,
    };
    OWN(memory) char *metrics = NULL;
    struct live_trial *trial;
    int64_t number = trial_id_number(row.id);

    if (addition->imported) {
        set_imported(tuning, study->def, addition, &row);
        metrics = metrics_text(addition);
        if (metrics == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        row.metrics = metrics;
    }
    TRY(event_append(&tuning->state, addition->imported ? EVENT_TRIAL_ENDED : EVENT_TRIAL_QUEUED,
                     study->row.id, number, 0, err));
    row.ended_seq = addition->imported ? tuning->state.last_seq : 0;
    TRY(store_trial_insert(tuning->state.store, &row, err));
    TRY(store_curve(tuning, study, row.id, &addition->measurements, err));
    study->row.last_number++;
    study->row.counts[row.state]++;
    study->dirty = true;
    command->out.numbers[command->out.n_numbers++] = number;
    if (addition->imported) {
        consider_imported(study, &row);
        TRY(tried_add(study, &row, err));
        TRY(study_observe(&tuning->state, study, &row, err));
    } else {
        TRY(trial_enter(&tuning->state, study, &row, &trial, err));
        addition->x = NULL; /* the trial's now */
        trial_queue_push(&study->enqueued, trial);
        tuning->state.may_have_work = true;
    }
    return 0;
}

static int may_enqueue(const struct live_study *study, const struct addition *additions, size_t n,
                       struct err *err)
{
    const struct limits *limits = &study->def->limits;
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        any = any || !additions[i].imported;
    }
    if (!any) {
        return 0;
    }
    if (study->row.state == STUDY_STOPPED || study->row.state == STUDY_FINISHED) {
        return err_set(err, ERR_WRONG_STATE, "the study is %s; make it run again before enqueuing",
                       study_state_name(study->row.state));
    }
    if (limits->trials >= 0 && study->row.leased_trials >= limits->trials) {
        return err_set(err, ERR_WRONG_STATE,
                       "the study has used up its limits.trials (%" PRId64
                       "); raise it before enqueuing",
                       limits->trials);
    }
    return 0;
}

static int answer_one(struct tuning *tuning, struct live_study *study,
                      struct trials_add_command *command, struct err *err)
{
    int64_t id = trial_id(study->row.id, command->out.numbers[0]);
    struct live_trial *trial = trial_live(&tuning->state, id);

    if (trial != NULL) {
        return trial_report(trial, &command->out.trial, err);
    }
    TRY(store_trial_load(tuning->state.store, id, &command->out.trial.row, err));
    command->out.trial.def = shared_def_hold(study->shared);
    return 0;
}

/* Are the names of all curves together still few enough? Asked before anything is written. */
static int check_names(const struct live_study *study, const struct addition *additions, size_t n,
                       struct err *err)
{
    struct fresh_metrics fresh = {.study = study};

    for (size_t i = 0; i < n; i++) {
        const struct measurement_list *list = &additions[i].measurements;
        for (size_t k = 0; k < list->n; k++) {
            if (fresh_metrics_add(&fresh, list->items[k].metric, err) != 0) {
                return err_at(err, "/measurements");
            }
        }
    }
    return 0;
}

static int add_all(struct tuning *tuning, struct live_study *study,
                   struct trials_add_command *command, struct addition *additions, size_t n,
                   struct err *err)
{
    TRY(read_all(study, command->in.body, additions, n, &command->head.faults, err));
    TRY(may_enqueue(study, additions, n, err));
    TRY(check_names(study, additions, n, err));
    if (study->row.last_number + (int64_t)n > TRIAL_NUMBER_MAX) {
        return err_set(err, ERR_WRONG_STATE, "the study cannot number more trials");
    }
    for (size_t i = 0; i < n; i++) {
        TRY(write_one(tuning, study, &additions[i], command, err));
    }
    return json_is_array(command->in.body) ? 0 : answer_one(tuning, study, command, err);
}

int tuning_trials_add(struct tuning *tuning, struct trials_add_command *command, struct err *err)
{
    struct live_study *study;
    size_t n = json_is_array(command->in.body) ? json_array_size(command->in.body) : 1;

    TRY(study_required(&tuning->state, command->in.study, &study, err));
    if (n == 0 || n > ADD_MAX) {
        faults_add(&command->head.faults, "", "must hold 1 to %d trials", ADD_MAX);
        return faults_result(&command->head.faults, err);
    }
    struct addition *additions = calloc(n, sizeof *additions);
    command->out.numbers = calloc(n, sizeof *command->out.numbers);
    if (additions == NULL || command->out.numbers == NULL) {
        free(additions);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    int result = add_all(tuning, study, command, additions, n, err);
    additions_free(additions, n);
    return result;
}
