#include "server/tuning/history.h"

#include <stdlib.h>

#include "common/array.h"
#include "server/state/studies.h"
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

struct curve {
    struct live_study *study;
    int64_t trial;               /* its number */
    struct live_lease *lease;    /* or NULL */
    struct learning_curve *kept; /* of an open trial whose study learns; or NULL */
    int64_t objective;           /* metric id, -1: never measured */
    int64_t step;                /* of the point that is being read */
    double value;
    bool has_point;
};

static int recall_point(struct curve *curve, struct err *err)
{
    if (!curve->has_point) {
        return 0;
    }
    curve->has_point = false;
    return schedule_recall(curve->study->schedule, curve->trial, curve->step, curve->value, err);
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

/* Rows come by metric, step, attempt: only the first row of a step counts. */
static int load_point(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                      struct err *err)
{
    struct curve *curve = context;
    struct live_lease *lease = curve->lease;

    if (lease != NULL && attempt == lease->row.number) {
        TRY(remember_last(lease, metric, step, value, err));
    }
    if (metric != curve->objective) {
        return 0;
    }
    if (curve->kept != NULL) {
        TRY(learning_curve_add(curve->kept, step, value, err));
    }
    if (curve->has_point && curve->step == step) {
        return 0;
    }
    TRY(recall_point(curve, err));
    curve->step = step;
    curve->value = value;
    curve->has_point = true;
    return 0;
}

int trial_load_curve(struct tuning *tuning, struct live_study *study, int64_t number,
                     struct live_lease *lease, struct learning_curve *kept, struct err *err)
{
    struct curve curve = {
        .study = study,
        .trial = number,
        .lease = lease,
        .kept = kept,
        .objective = metric_find(study, study->def->objectives[0].metric),
    };

    TRY(store_each_measurement(tuning->state.store, trial_id(study->row.id, number), -1, load_point,
                               &curve, err));
    return recall_point(&curve, err);
}
