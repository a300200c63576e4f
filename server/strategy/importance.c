#include "server/strategy/importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/own.h"
#include "server/model/importance.h"
#include "server/strategy/axes.h"
#include "server/strategy/trials.h"

enum { ENOUGH = 50 }; /* trials: the best tenth are then five */

static const double top_share = 0.1;

static int by_cost(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Marks the best tenth; returns how many complete trials there are. */
static int mark_top(const struct trials *trials, bool top[], struct importance *importance,
                    struct err *err)
{
    OWN(memory) double *sorted = calloc(trials->n_done + 1, sizeof *sorted);
    size_t n = 0;

    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for importances");
    }
    for (size_t i = 0; i < trials->n_done; i++) {
        if (trials->complete[i]) {
            sorted[n++] = trials->cost[i];
        }
    }
    *importance = (struct importance){.n = n, .few = n < ENOUGH};
    if (n == 0) {
        return 0;
    }
    qsort(sorted, n, sizeof *sorted, by_cost);
    double cut = sorted[(size_t)ceil(top_share * (double)n) - 1];
    for (size_t i = 0; i < trials->n_done; i++) {
        top[i] = trials->complete[i] && trials->cost[i] <= cut;
        importance->n_top += top[i];
    }
    return 0;
}

/* The bin of a value: its own where there are few, else one of fifty. */
static size_t bin_of(const struct param *param, double value, size_t bins)
{
    double u = param_encode(param, value);

    if (param->n_cells == 0 || param->n_cells > IMPORTANCE_BINS) {
        return importance_bin(u);
    }
    double cell = param->n_choices > 0 ? value : floor(u * (double)bins);
    return cell >= (double)bins ? bins - 1 : (size_t)cell;
}

/* The divergence of one parameter over the trials that have it, times α²/β. */
static int weigh(const struct axes *axes, const struct trials *trials, const bool top[],
                 const struct importance *importance, size_t i, double *weight, struct err *err)
{
    const struct param *param = &axes->space->params[i];
    OWN(memory) size_t *bin = calloc(trials->n_done + 1, sizeof *bin);
    OWN(memory) bool *best = calloc(trials->n_done + 1, sizeof *best);
    bool is_coarse = axes->is_cat[i] || (param->n_cells > 0 && param->n_cells <= IMPORTANCE_BINS);
    size_t bins = is_coarse ? (size_t)param->n_cells : IMPORTANCE_BINS;
    size_t n = 0;
    double n_best = 0.0;

    if (bin == NULL || best == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for importances");
    }
    for (size_t k = 0; k < trials->n_done; k++) {
        double value = trials->done[k][i];
        if (trials->complete[k] && !isnan(value)) {
            bin[n] = axes->is_cat[i] ? (size_t)value : bin_of(param, value, bins);
            best[n] = top[k];
            n_best += top[k];
            n++;
        }
    }
    TRY(importance_divergence(n, bin, best, bins, axes->is_cat[i], weight, err));
    double alpha = n_best / (double)importance->n_top;
    double beta = (double)n / (double)importance->n;
    *weight *= beta > 0.0 ? alpha * alpha / beta : 0.0;
    return 0;
}

int study_importance(const struct study_def *study, const struct history *seen, double share[],
                     struct importance *importance, struct err *err)
{
    OWN(axes) struct axes axes = {0};
    OWN(trials) struct trials trials = {0};
    OWN(memory) bool *top = NULL;
    size_t d = study->space->n_params;
    double sum = 0.0;

    TRY(axes_init(&axes, study->space, err));
    TRY(trials_init(&trials, study, seen, err));
    top = calloc(trials.n_done + 1, sizeof *top);
    if (top == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for importances");
    }
    TRY(mark_top(&trials, top, importance, err));
    memset(share, 0, d * sizeof *share);
    if (importance->n_top == importance->n) {
        return 0; /* nothing to tell apart */
    }
    for (size_t k = 0; k < axes_count(&axes); k++) {
        size_t i = k < axes.n_num ? axes.num[k] : axes.cat[k - axes.n_num];
        TRY(weigh(&axes, &trials, top, importance, i, &share[i], err));
        sum += share[i];
    }
    for (size_t i = 0; i < d && sum > 0.0; i++) {
        share[i] /= sum;
    }
    return 0;
}
