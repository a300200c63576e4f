/* GET …/importance: which parameters matter for being among the best, by PED-ANOVA. */
#include "server/api/importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/step.h"
#include "server/analysis/comparable.h"
#include "server/analysis/importance.h"
#include "server/api/json.h"
#include "server/api/read.h"

/* ---- the request: which metric ---- */

static int read_direction(const struct read_request *read, struct comparable_metric *metric,
                          struct err *err)
{
    const char *text = http_query(read->request, "direction");

    if (text == NULL) {
        return metric->objective >= 0
                   ? 0
                   : err_set(err, ERR_MALFORMED,
                             "\"%s\" is no objective: say which way is better with "
                             "direction=minimize or direction=maximize",
                             metric->name);
    }
    if (strcmp(text, "minimize") != 0 && strcmp(text, "maximize") != 0) {
        return err_set(err, ERR_MALFORMED, "direction is minimize or maximize, not \"%.40s\"",
                       text);
    }
    metric->direction = text[1] == 'i' ? DIRECTION_MINIMIZE : DIRECTION_MAXIMIZE;
    return 0;
}

static int read_metric(const struct read_request *read, struct comparable_metric *metric,
                       struct err *err)
{
    const struct study_def *def = read->study->def->def;
    const char *name = http_query(read->request, "metric");

    if (name == NULL && def->n_objectives > 1) {
        return err_set(err, ERR_WRONG_STATE,
                       "the study has several objectives; ask for one of them: ?metric=%s",
                       def->objectives[0].metric);
    }
    comparable_metric_init(metric, def, name);
    return read_direction(read, metric, err);
}

/* ---- the values of the trials ---- */

struct point_fold {
    const struct comparable *comparable;
    double value;
};

static int fold_measurement(void *context, int64_t metric, int64_t attempt, int64_t step,
                            double value, struct err *err)
{
    struct point_fold *fold = context;

    (void)metric;
    (void)attempt;
    (void)err;
    comparable_fold(fold->comparable, step, value, &fold->value);
    return 0;
}

static int value_at_level(const struct read_request *read, const struct comparable *comparable,
                          const struct comparable_point *point, int64_t metric_id, double *value,
                          struct err *err)
{
    struct point_fold fold = {.comparable = comparable, .value = (double)NAN};

    if (!comparable_value(comparable, point, value) || metric_id < 0) {
        return 0;
    }
    TRY(store_each_measurement(read->store, trial_id(read->study->id, point->number), metric_id,
                               fold_measurement, &fold, err));
    *value = fold.value;
    return 0;
}

/* ---- the answer ---- */

struct weighed {
    const struct study_def *def;
    const struct comparable_metric *metric;
    int64_t resource; /* in units; 0: none */
    struct importance importance;
    struct importance_share *shares;
    size_t n_names;
    size_t *order; /* of the names, the most important first: the first parameter of each */
};

/* Parameters of one name count as one, as they do in a trial. */
static void join_namesakes(struct weighed *weighed)
{
    const struct space *space = weighed->def->space;

    for (size_t i = 0; i < space->n_params; i++) {
        struct importance_share *share = &weighed->shares[i];
        for (size_t j = space->params[i].next_namesake;
             !space->params[i].is_namesake && j != SPACE_NONE; j = space->params[j].next_namesake) {
            share->share += weighed->shares[j].share;
            share->n += weighed->shares[j].n;
            share->n_top += weighed->shares[j].n_top;
        }
    }
}

static int by_share(const void *a, const void *b, void *context)
{
    const struct importance_share *shares = context;
    size_t i = *(const size_t *)a;
    size_t j = *(const size_t *)b;

    if (shares[i].share < shares[j].share || shares[i].share > shares[j].share) {
        return shares[i].share > shares[j].share ? -1 : 1;
    }
    return (i > j) - (i < j);
}

static void sort_shares(struct weighed *weighed)
{
    const struct space *space = weighed->def->space;

    join_namesakes(weighed);
    for (size_t i = 0; i < space->n_params; i++) {
        if (!space->params[i].is_namesake) {
            weighed->order[weighed->n_names++] = i;
        }
    }
    qsort_r(weighed->order, weighed->n_names, sizeof *weighed->order, by_share, weighed->shares);
}

static void write_warning(const struct weighed *weighed, struct buf *text)
{
    const struct importance *importance = &weighed->importance;

    if (importance->few) {
        buf_printf(text, "made from %zu trials; below %d these shares are mostly chance",
                   importance->n, (int)IMPORTANCE_ENOUGH);
    } else if (importance->n_top == importance->n) {
        buf_puts(text, "all trials are equally good, so nothing tells them apart");
    }
}

static void write_json(const struct weighed *weighed, const char *study, struct buf *out)
{
    const struct importance *importance = &weighed->importance;
    OWN(buf) struct buf warning;
    struct json_writer w;

    buf_init(&warning, 256);
    write_warning(weighed, &warning);
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_string(&w, "study", study);
    json_put_string(&w, "method", "ped_anova");
    json_put_string(&w, "metric", weighed->metric->name);
    json_put_string(&w, "direction",
                    weighed->metric->direction == DIRECTION_MAXIMIZE ? "maximize" : "minimize");
    json_write_key(&w, "resource");
    if (weighed->resource > 0) {
        json_write_step(&w, weighed->resource, weighed->def->resource_digits);
    } else {
        json_write_null(&w);
    }
    json_put_int(&w, "trials", (int64_t)importance->n);
    json_write_key(&w, "top");
    json_object_begin(&w);
    json_put_number(&w, "quantile", importance_top_share);
    json_put_int(&w, "trials", (int64_t)importance->n_top);
    json_write_key(&w, "cutoff");
    if (importance->n > 0) {
        json_write_number(&w, comparable_cost(weighed->metric, importance->cutoff));
    } else {
        json_write_null(&w);
    }
    json_object_end(&w);
    buf_check_part(w.out, &warning);
    json_put_string(&w, "warning", warning.len > 0 ? buf_text(&warning) : NULL);
    json_write_key(&w, "parameters");
    json_array_begin(&w);
    for (size_t k = 0; k < weighed->n_names; k++) {
        const struct importance_share *share = &weighed->shares[weighed->order[k]];
        json_object_begin(&w);
        json_put_string(&w, "name", weighed->def->space->params[weighed->order[k]].name);
        json_put_number(&w, "share", share->share);
        json_put_int(&w, "trials", (int64_t)share->n);
        json_put_int(&w, "top", (int64_t)share->n_top);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    buf_putc(out, '\n');
}

static int weigh(const struct read_request *read, const struct comparable *comparable,
                 struct weighed *weighed, struct err *err)
{
    OWN(memory) const double **x = calloc(comparable->n + 1, sizeof *x);
    OWN(memory) double *cost = calloc(comparable->n + 1, sizeof *cost);
    int64_t metric_id;
    size_t n = 0;

    if (x == NULL || cost == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for importances");
    }
    TRY(read_metric_id(read, comparable->metric->name, &metric_id, err));
    for (size_t i = 0; i < comparable->n; i++) {
        const struct comparable_point *point = &comparable->points[i];
        double value;
        TRY(value_at_level(read, comparable, point, metric_id, &value, err));
        if (isfinite(value)) {
            x[n] = point->config;
            cost[n++] = comparable_cost(comparable->metric, value);
        }
    }
    TRY(importance_of(weighed->def->space, n, x, cost, weighed->shares, &weighed->importance, err));
    sort_shares(weighed);
    return 0;
}

static int read_importance(struct read_request *read, struct err *err)
{
    const struct study_def *def = read->study->def->def;
    const struct trial_query query = {.study = read->study->id,
                                      .limit = INT32_MAX,
                                      .states = 1U << TRIAL_COMPLETED | 1U << TRIAL_PRUNED
                                                | 1U << TRIAL_PAUSED};
    struct comparable_metric metric;
    OWN(comparable) struct comparable comparable = {.def = def, .metric = &metric};
    OWN(memory) struct importance_share *shares = calloc(def->space->n_params + 1, sizeof *shares);
    OWN(memory) size_t *order = calloc(def->space->n_params + 1, sizeof *order);

    if (shares == NULL || order == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for importances");
    }
    struct weighed weighed = {.def = def, .metric = &metric, .shares = shares, .order = order};
    TRY(read_metric(read, &metric, err));
    TRY(store_each_trial(read->store, &query, comparable_add, &comparable, err));
    TRY(comparable_choose_level(&comparable, err));
    weighed.resource = comparable.level;
    TRY(weigh(read, &comparable, &weighed, err));
    if (metric.objective < 0 && weighed.importance.n == 0) {
        return err_set(err, ERR_MALFORMED,
                       "no finished trial of the study has a value of \"%.70s\"", metric.name);
    }
    write_json(&weighed, read->study->name, &read->response.body);
    return 0;
}

static const char *const importance_query[] = {"metric", "direction", NULL};

static int each_parameter(json_t *answer, face_row *row, void *context, struct err *err)
{
    size_t i;
    json_t *parameter;

    (void)err;
    json_array_foreach (json_object_get(answer, "parameters"), i, parameter) {
        row(context, parameter);
    }
    return 0;
}

/* The other formats are for programs. */
static void append_warning(const json_t *answer, struct buf *out)
{
    const char *warning = json_string_value(json_object_get(answer, "warning"));

    if (warning != NULL) {
        buf_printf(out, "warning: %s\n", warning);
    }
}

static const struct face_column columns[] = {{.key = "name"},
                                             {.key = "share", .is_right = true},
                                             {.key = "trials", .is_right = true},
                                             {.key = "top", .is_right = true},
                                             {0}};
static const struct face face = {.formats = FORMATS_LIST,
                                 .columns = columns,
                                 .each_row = each_parameter,
                                 .foot = append_warning};

FACE_HANDLER(get_importance, &face, importance_query, read_importance)
