#include "server/tuning/history.h"

#include <math.h>
#include <stdlib.h>

#include "common/array.h"
#include "server/state/studies.h"
#include "server/store/decisions.h"
#include "server/tuning/ask.h"
#include "server/tuning/forecasts.h"

/* ---- the history of studies that learn ---- */

struct finished_trials {
    size_t n, cap;
    struct trial_row *rows; /* finished ones, to be sorted by the order of their ends */
};

static int collect_finished(void *context, struct trial_row *row, struct err *err)
{
    struct finished_trials *finished = context;

    TRY(array_reserve(&finished->rows, finished->n, &finished->cap, sizeof *finished->rows, err));
    free(row->explain);
    row->explain = NULL;
    finished->rows[finished->n++] = *row;
    *row = (struct trial_row){0};
    return 0;
}

static int by_end(const void *a, const void *b)
{
    int64_t left = ((const struct trial_row *)a)->ended_seq;
    int64_t right = ((const struct trial_row *)b)->ended_seq;

    return (left > right) - (left < right);
}

static int load_fit(void *context, uint64_t n_seen, const void *data, size_t bytes, struct err *err)
{
    return suggester_add_fit(context, n_seen, data, bytes, err);
}

int study_load_history(struct tuning *tuning, struct live_study *study, struct err *err)
{
    const unsigned states =
        1u << TRIAL_COMPLETED | 1u << TRIAL_PRUNED | 1u << TRIAL_FAILED | 1u << TRIAL_INFEASIBLE;
    struct finished_trials finished = {0};
    struct trial_query query = {.study = study->row.id, .limit = -1, .states = states};

    if (study->suggester == NULL) {
        return 0;
    }
    int result = store_each_trial(tuning->state.store, &query, collect_finished, &finished, err);
    if (finished.n > 0) {
        qsort(finished.rows, finished.n, sizeof *finished.rows, by_end);
    }
    for (size_t i = 0; i < finished.n; i++) {
        if (result == 0) {
            result = study_observe(&tuning->state, study, &finished.rows[i], err);
        }
        trial_row_finish(&finished.rows[i]);
    }
    free(finished.rows);
    TRY(result);
    OWN(sources) struct sources sources = {0};
    TRY(sources_load(tuning->state.store, study->row.id, study->def, &sources, err));
    suggester_set_sources(study->suggester, &sources);
    return store_each_fit(tuning->state.store, study->row.id, load_fit, study->suggester, err);
}

int study_renew_history(struct tuning *tuning, struct live_study *study, struct err *err)
{
    if (study->suggester == NULL) {
        return 0;
    }
    TRY(study_renew_suggester(&tuning->state, study, err));
    asks_forget_jobs(tuning);
    TRY(study_load_history(tuning, study, err));
    for (struct live_trial *trial = study->open; trial != NULL; trial = trial->next_open) {
        trial->forecast_level = 0;
        TRY(forecast_request(tuning, trial, err));
    }
    return 0;
}

/* ---- learning curves ---- */

struct recalled_curve {
    struct live_study *study;
    int64_t trial;               /* its number */
    struct live_lease *lease;    /* or NULL */
    struct learning_curve *kept; /* of an open trial whose study learns; or NULL */
    /* Metric ids, -1: never measured; of the objectives, and of the bounds where several objectives
     * are ranked. */
    size_t n_parts;
    int64_t parts[OBJECTIVES_MAX + BOUNDS_MAX];
    size_t n, cap;
    struct recalled {
        int64_t step;
        size_t part;
        double value;
    } * points; /* owned */
};

/* By step; of one step the bounded metrics first and the first objective last, as when they were
 * measured. */
static int by_step(const void *a, const void *b)
{
    const struct recalled *x = a;
    const struct recalled *y = b;

    if (x->step != y->step) {
        return x->step < y->step ? -1 : 1;
    }
    return (x->part < y->part) - (x->part > y->part);
}

static int recall_points(struct recalled_curve *curve, struct err *err)
{
    const struct study_def *def = curve->study->def;
    struct schedule *schedule = curve->study->schedule;
    double bounded[BOUNDS_MAX];

    for (size_t i = 0; i < BOUNDS_MAX; i++) {
        bounded[i] = (double)NAN;
    }
    if (curve->n > 0) {
        qsort(curve->points, curve->n, sizeof *curve->points, by_step);
    }
    for (size_t i = 0; i < curve->n; i++) {
        const struct recalled *point = &curve->points[i];
        if (point->part >= def->n_objectives) {
            bounded[point->part - def->n_objectives] = point->value;
            schedule_note_violation(schedule, curve->trial, study_violation(def, bounded));
            continue;
        }
        TRY(schedule_recall(schedule, curve->trial, point->part, point->step, point->value, err));
    }
    return 0;
}

static int remember_last(struct live_lease *lease, int64_t metric, int64_t step, double value,
                         struct err *err)
{
    lease->last_step = step > lease->last_step ? step : lease->last_step;
    if (lease->n_last > 0 && lease->last[lease->n_last - 1].metric == metric) {
        lease->last[lease->n_last - 1].step = step;
        lease->last[lease->n_last - 1].value = value;
        return 0;
    }
    TRY(array_reserve(&lease->last, lease->n_last, &lease->cap_last, sizeof *lease->last, err));
    lease->last[lease->n_last++] =
        (struct last_value){.metric = metric, .step = step, .value = value};
    return 0;
}

/* Of an objective only the first row of a step counts, of a bounded metric the last one. */
static int keep_point(struct recalled_curve *curve, size_t part, int64_t step, double value,
                      struct err *err)
{
    for (size_t i = curve->n; i-- > 0 && curve->points[i].step == step;) {
        struct recalled *known = &curve->points[i];
        if (known->part == part) {
            known->value = part < curve->study->def->n_objectives ? known->value : value;
            return 0;
        }
    }
    TRY(array_reserve(&curve->points, curve->n, &curve->cap, sizeof *curve->points, err));
    curve->points[curve->n++] = (struct recalled){step, part, value};
    return 0;
}

/* Rows come by metric, step, attempt. */
static int load_point(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                      struct err *err)
{
    struct recalled_curve *curve = context;
    struct live_lease *lease = curve->lease;

    if (lease != NULL && attempt == lease->row.number) {
        TRY(remember_last(lease, metric, step, value, err));
    }
    if (curve->kept != NULL && metric == curve->parts[0]) {
        TRY(learning_curve_add(curve->kept, step, value, err));
    }
    for (size_t part = 0; part < curve->n_parts; part++) {
        if (metric == curve->parts[part]) {
            TRY(keep_point(curve, part, step, value, err));
        }
    }
    return 0;
}

/* The metrics that the schedule is to know. */
static void name_parts(struct recalled_curve *curve)
{
    const struct study_def *def = curve->study->def;

    for (size_t k = 0; k < def->n_objectives; k++) {
        curve->parts[curve->n_parts++] = metric_find(curve->study, def->objectives[k].metric);
    }
    for (size_t i = 0; def->n_objectives > 1 && i < def->n_bounds; i++) {
        curve->parts[curve->n_parts++] = metric_find(curve->study, def->bounds[i].metric);
    }
}

int trial_load_curve(struct tuning *tuning, struct live_study *study, int64_t number,
                     struct live_lease *lease, struct learning_curve *kept, struct err *err)
{
    struct recalled_curve curve = {
        .study = study,
        .trial = number,
        .lease = lease,
        .kept = kept,
    };

    name_parts(&curve);
    int result = store_each_measurement(tuning->state.store, trial_id(study->row.id, number), -1,
                                        load_point, &curve, err);
    if (result == 0) {
        result = recall_points(&curve, err);
    }
    free(curve.points);
    return result;
}
