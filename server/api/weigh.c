#include "server/api/weigh.h"

#include <math.h>
#include <stdlib.h>

void weighed_finish(struct weighed *weighed)
{
    free(weighed->shares);
    free(weighed->order);
    *weighed = (struct weighed){0};
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

/* ---- their order ---- */

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

/* ---- the whole ---- */

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
            cost[n++] = comparable_rank_cost(comparable->metric, point, value);
        }
    }
    TRY(importance_of(weighed->def->space, n, x, cost, weighed->shares, &weighed->importance, err));
    sort_shares(weighed);
    return 0;
}

static int weigh_all(const struct read_request *read, struct comparable *comparable,
                     struct weighed *weighed, struct err *err)
{
    const struct trial_query query = {.study = read->study->id,
                                      .limit = INT32_MAX,
                                      .states = 1U << TRIAL_COMPLETED | 1U << TRIAL_PRUNED
                                                | 1U << TRIAL_PAUSED};

    TRY(store_each_trial(read->store, &query, comparable_add, comparable, err));
    TRY(comparable_choose_level(comparable, err));
    weighed->resource = comparable->level;
    return weigh(read, comparable, weighed, err);
}

int weigh_parameters(const struct read_request *read, const struct comparable_metric *metric,
                     struct weighed *weighed, struct err *err)
{
    const struct study_def *def = read->study->def->def;
    size_t n_params = def->space->n_params;
    OWN(comparable) struct comparable comparable = {.def = def, .metric = metric};

    weighed->def = def;
    weighed->metric = metric;
    weighed->shares = calloc(n_params + 1, sizeof *weighed->shares);
    weighed->order = calloc(n_params + 1, sizeof *weighed->order);
    if (weighed->shares == NULL || weighed->order == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for importances");
    }
    return weigh_all(read, &comparable, weighed, err);
}
