#include "server/tuning/brought.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/step.h"
#include "server/tuning/outcome.h"

void brought_finish(struct brought *brought)
{
    for (size_t i = 0; i < brought->n; i++) {
        free(brought->trials[i].config);
        free(brought->trials[i].metrics);
        measurement_list_finish(&brought->trials[i].measurements);
    }
    free(brought->trials);
    *brought = (struct brought){0};
}

/* The value that a trial's metrics give it; NULL: none. */
static const double *own_metric(const struct brought_trial *trial, const char *name)
{
    for (size_t i = 0; i < trial->n_metrics; i++) {
        if (strcmp(trial->metrics[i].metric, name) == 0) {
            return &trial->metrics[i].value;
        }
    }
    return NULL;
}

/* "value": the short form of the metric of a single objective. */
static void read_value(struct fields *fields, const struct study_def *def,
                       struct brought_trial *trial)
{
    const json_t *value = fields_any(fields, "value");
    const char *metric = def->objectives[0].metric;

    if (value == NULL) {
        return;
    }
    if (def->n_objectives > 1) {
        fields_fault(fields, "value",
                     "is for a single objective; name the value of each among the metrics");
    } else if (!json_is_number_like(value)) {
        fields_fault(fields, "value", "must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
    } else if (own_metric(trial, metric) != NULL) {
        fields_fault(fields, "value", "is said twice; \"%s\" stands among the metrics", metric);
    } else {
        struct metric_value *item = &trial->metrics[trial->n_metrics++];
        (void)snprintf(item->metric, sizeof item->metric, "%s", metric);
        item->value = json_number_like(value);
    }
}

static int read_metrics(struct fields *fields, const struct study_def *def,
                        struct brought_trial *trial)
{
    const json_t *metrics = fields_object(fields, "metrics");
    const char *key;
    json_t *value;

    if (json_object_size(metrics) > METRICS_MAX) {
        fields_fault(fields, "metrics", "must name at most %d metrics", METRICS_MAX);
        metrics = NULL;
    }
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
    read_value(fields, def, trial);
    return 0;
}

static void read_curve(struct fields *fields, const struct study_def *def,
                       struct brought_trial *trial, struct faults *faults)
{
    const json_t *list = fields_array(fields, "measurements");
    size_t first = faults->n;

    if (list != NULL) {
        json_auto_t *wrapped = json_pack("{s:O}", "measurements", json_unconst(list));
        if (wrapped == NULL) {
            faults_no_memory(faults);
        } else if (measurement_list_from_json(wrapped, &trial->measurements, faults) == 0) {
            (void)!measurement_list_settle(&trial->measurements, def->resource_digits, faults);
        }
    }
    faults_prefix(faults, first, fields->pointer);
}

/* ---- states ---- */

static const unsigned importable =
    1u << TRIAL_COMPLETED | 1u << TRIAL_PRUNED | 1u << TRIAL_FAILED | 1u << TRIAL_INFEASIBLE;

static void read_state(struct fields *fields, struct brought_trial *trial)
{
    static const char *const of_imported[] = {"value", "metrics", "measurements", "step",
                                              "outside"};
    const char *name = fields_string(fields, "state", NULL);
    int state = name == NULL ? -1 : trial_state_from_name(name);

    trial->imported = fields_has(fields, "state");
    trial->state = TRIAL_COMPLETED;
    if (name != NULL && (state < 0 || (importable >> state & 1) == 0)) {
        fields_fault(fields, "state",
                     "an imported trial is \"completed\", \"pruned\", \"failed\" or "
                     "\"infeasible\"; leave the state out to enqueue a configuration");
    } else if (name != NULL) {
        trial->state = (enum trial_state)state;
    }
    for (size_t i = 0; !trial->imported && i < sizeof of_imported / sizeof of_imported[0]; i++) {
        if (fields_has(fields, of_imported[i])) {
            fields_fault(fields, of_imported[i],
                         "is not for a configuration that is to be tried; add \"state\": "
                         "\"completed\" to import a finished trial");
        }
    }
}

/* ---- steps ---- */

/* The step that an imported trial's values were reached at. */
static void settle_step(const struct study_def *def, struct brought_trial *trial)
{
    const struct measurement_list *list = &trial->measurements;

    if (trial->has_step) {
        return;
    }
    for (size_t i = 0; i < list->n; i++) {
        trial->step = list->items[i].step > trial->step ? list->items[i].step : trial->step;
    }
    if (list->n == 0 && trial->state == TRIAL_COMPLETED && def->has_resource) {
        trial->step = def->resource_max;
    }
    trial->has_step = list->n > 0 || trial->state == TRIAL_COMPLETED;
}

static bool is_measured(const struct brought_trial *trial, const char *metric, int64_t first,
                        int64_t last)
{
    for (size_t i = 0; i < trial->measurements.n; i++) {
        const struct measurement *at = &trial->measurements.items[i];
        if (at->step >= first && at->step <= last && strcmp(at->metric, metric) == 0) {
            return true;
        }
    }
    return false;
}

/* A pruned trial is known by its curve: what it had reached at its step belongs to it. */
static int extend_curve(struct brought_trial *trial)
{
    struct measurement_list *list = &trial->measurements;
    struct measurement *items =
        realloc(list->items, (list->n + trial->n_metrics + 1) * sizeof *items);

    if (items == NULL) {
        return -1;
    }
    list->items = items;
    for (size_t i = 0; i < trial->n_metrics; i++) {
        const struct metric_value *metric = &trial->metrics[i];
        if (!is_measured(trial, metric->metric, trial->step, trial->step)) {
            items[list->n++] = (struct measurement){
                .step = trial->step, .metric = metric->metric, .value = metric->value};
        }
    }
    return 0;
}

static void check_step(struct fields *fields, const struct study_def *def,
                       const struct brought_trial *trial)
{
    if (trial->state != TRIAL_PRUNED) {
        return;
    }
    if (!trial->has_step) {
        fields_fault(fields, "step",
                     "is missing: a pruned trial needs the step it had reached, or measurements");
    } else if (def->has_resource && trial->step > def->resource_max) {
        char full[STEP_BYTES];
        fields_fault(fields, "step", "a pruned trial has reached at most the full resource, %s",
                     step_format(def->resource_max, def->resource_digits, full));
    }
}

static void check_objectives(struct fields *fields, const struct study_def *def,
                             const struct brought_trial *trial)
{
    bool is_needed = trial->state == TRIAL_COMPLETED || trial->state == TRIAL_PRUNED;

    for (size_t i = 0; is_needed && i < def->n_objectives; i++) {
        const char *metric = def->objectives[i].metric;
        bool is_said = fields_has(fields, "value") /* and at fault itself, where it is not taken */
                       || json_object_get(fields_any(fields, "metrics"), metric) != NULL;
        if (own_metric(trial, metric) == NULL && !is_measured(trial, metric, 0, trial->step)
            && !is_said) {
            fields_fault(fields, "metrics", "the objective \"%s\" is missing", metric);
        }
    }
}

static int read_result(struct fields *fields, const struct study_def *def,
                       struct brought_trial *trial, struct faults *faults)
{
    trial->step = fields_step_nearest(fields, "step", def->resource_digits, 0);
    trial->has_step = fields_has(fields, "step");
    if (read_metrics(fields, def, trial) != 0) {
        return -1;
    }
    read_curve(fields, def, trial, faults);
    if (!trial->imported) {
        return 0;
    }
    settle_step(def, trial);
    check_step(fields, def, trial);
    check_objectives(fields, def, trial);
    return trial->state == TRIAL_PRUNED ? extend_curve(trial) : 0;
}

/* ---- configurations ---- */

/* Where a configuration of an imported trial is refused for what `outside` would allow. */
static void hint_at_outside(const struct space *space, const json_t *parameters,
                            const char *pointer, double x[], struct faults *faults)
{
    struct faults others = {0};
    char at[64];

    if (space_outside_from_json(space, parameters, x, "", &others) == 0) {
        (void)snprintf(at, sizeof at, "%.40s/outside", pointer);
        faults_add(faults, at,
                   "is needed, and true, to import a trial that lies outside the space");
    }
    faults_finish(&others);
}

static int read_configuration(struct fields *fields, const struct space *space, const char *pointer,
                              struct brought_trial *trial, struct faults *faults)
{
    const json_t *given = fields_object(fields, "parameters");
    bool outside = fields_bool(fields, "outside", false) && trial->imported;
    json_auto_t *empty = json_object();
    char at[64];

    trial->config = calloc(space->n_params + 1, sizeof(double));
    if (trial->config == NULL || empty == NULL) {
        return -1;
    }
    const json_t *parameters = given == NULL ? empty : given;
    (void)snprintf(at, sizeof at, "%.40s/parameters", pointer);
    int result = (outside ? space_outside_from_json
                          : space_config_from_json)(space, parameters, trial->config, at, faults);
    if (result != 0 && trial->imported && !outside) {
        hint_at_outside(space, parameters, pointer, trial->config, faults);
    }
    return 0; /* the faults are in the list */
}

static int read_trial(const struct study_def *def, const json_t *item, const char *pointer,
                      struct brought_trial *trial, struct faults *faults)
{
    struct fields fields;

    fields_begin(&fields, item, pointer, faults);
    read_state(&fields, trial);
    int result = read_configuration(&fields, def->space, pointer, trial, faults);
    if (result == 0) {
        result = read_result(&fields, def, trial, faults);
    }
    fields_end(&fields);
    return result;
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

/* ---- how a finished one ended ---- */

/* A trial's measurements of one metric, steps rising; of equal steps the first one counts. */
struct metric_curve {
    size_t n;
    struct metric_point {
        size_t item; /* its place in the list */
        int64_t step;
        double value;
    } * points; /* owned */
};

static int by_step(const void *a, const void *b)
{
    const struct metric_point *x = a;
    const struct metric_point *y = b;

    return x->step != y->step ? (x->step > y->step) - (x->step < y->step)
                              : (x->item > y->item) - (x->item < y->item);
}

/* The caller frees curve->points, also after an error. */
static int collect_curve(const struct brought_trial *trial, const char *metric,
                         struct metric_curve *curve, struct err *err)
{
    const struct measurement_list *list = &trial->measurements;
    size_t n = 0;

    curve->points = malloc((list->n + 1) * sizeof *curve->points);
    if (curve->points == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < list->n; i++) {
        const struct measurement *at = &list->items[i];
        if (strcmp(at->metric, metric) == 0) {
            curve->points[n++] = (struct metric_point){i, at->step, at->value};
        }
    }
    qsort(curve->points, n, sizeof *curve->points, by_step);
    curve->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || curve->points[i].step != curve->points[i - 1].step) {
            curve->points[curve->n++] = curve->points[i];
        }
    }
    return 0;
}

/* *value ← what the measurements up to the trial's step make of an objective; NaN: nothing. */
static int measured_value(const struct brought_trial *trial, const struct objective *objective,
                          double *value, struct err *err)
{
    bool maximize = objective->direction == DIRECTION_MAXIMIZE;
    struct metric_curve curve = {0};
    double best = (double)NAN;

    *value = (double)NAN;
    int result = collect_curve(trial, objective->metric, &curve, err);
    for (size_t i = 0; i < curve.n && curve.points[i].step <= trial->step; i++) {
        *value = curve.points[i].value;
        if (isnan(best) || (maximize ? *value > best : *value < best)) {
            best = *value;
        }
    }
    if (objective->fold == FOLD_BEST && !isnan(best)) {
        *value = best;
    }
    free(curve.points);
    return result;
}

/* The values of the bounded metrics, found as those of the objectives. */
static int set_bounded(const struct study_def *def, const struct brought_trial *trial,
                       struct trial_row *row, struct err *err)
{
    double bounded[BOUNDS_MAX] = {0};

    for (size_t i = 0; i < def->n_bounds; i++) {
        const struct objective metric = outcome_bounded_metric(def, &def->bounds[i]);
        const double *own = own_metric(trial, metric.metric);
        if (own != NULL) {
            bounded[i] = *own;
        } else {
            TRY(measured_value(trial, &metric, &bounded[i], err));
        }
    }
    outcome_set_bounded(row, def->n_bounds, bounded);
    return 0;
}

int brought_outcome(const struct study_def *def, const struct brought_trial *trial,
                    struct trial_row *row, struct err *err)
{
    double values[OBJECTIVES_MAX];
    size_t n = def->n_objectives;
    bool finite = true;

    for (size_t i = 0; i < n; i++) {
        const double *own = own_metric(trial, def->objectives[i].metric);
        if (own != NULL) {
            values[i] = *own;
        } else {
            TRY(measured_value(trial, &def->objectives[i], &values[i], err));
        }
        finite = finite && isfinite(values[i]);
    }
    TRY(set_bounded(def, trial, row, err));
    bool diverged = trial->state == TRIAL_COMPLETED && !finite;
    if (finite || diverged || trial->state == TRIAL_PRUNED) {
        outcome_set_values(row, n, values);
    }
    row->state = diverged ? TRIAL_FAILED : trial->state;
    (void)snprintf(row->reason, sizeof row->reason, "%s", diverged ? "diverged" : "");
    row->has_step = trial->has_step;
    row->step = trial->step;
    return 0;
}

int brought_curve(const struct brought_trial *trial, struct learning_curve *curve, struct err *err)
{
    struct metric_curve all = {0};

    int result = collect_curve(trial, curve->study->objectives[0].metric, &all, err);
    for (size_t i = 0; i < all.n && result == 0; i++) {
        result = learning_curve_add(curve, all.points[i].step, all.points[i].value, err);
    }
    free(all.points);
    return result;
}
