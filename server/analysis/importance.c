#include "server/analysis/importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/own.h"
#include "server/model/ped_anova.h"
#include "server/strategy/encoding.h"

const double importance_top_share = 0.1;

/* The trials, and scratch. */
struct importance_data {
    struct encoding encoding;
    size_t n;
    const double *const *x;
    bool *top;
    size_t *bin; /* scratch: the values of one parameter */
    bool *best;  /* scratch: of those values */
};

static void importance_data_finish(struct importance_data *data)
{
    free(data->top);
    free(data->bin);
    free(data->best);
    encoding_finish(&data->encoding);
}
OWN_VALUE(importance_data)

static int importance_data_init(struct importance_data *data, const struct space *space, size_t n,
                                const double *const x[], struct err *err)
{
    *data = (struct importance_data){.n = n, .x = x};
    data->top = calloc(n + 1, sizeof *data->top);
    data->bin = calloc(n + 1, sizeof *data->bin);
    data->best = calloc(n + 1, sizeof *data->best);
    if (data->top == NULL || data->bin == NULL || data->best == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for importances");
    }
    return encoding_init(&data->encoding, space, err);
}

static int by_cost(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Marks the best tenth. */
static int mark_top(struct importance_data *data, const double cost[],
                    struct importance *importance, struct err *err)
{
    size_t n = data->n;
    OWN(memory) double *sorted = calloc(n + 1, sizeof *sorted);

    *importance = (struct importance){.n = n, .few = n < IMPORTANCE_ENOUGH, .cutoff = (double)NAN};
    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for importances");
    }
    if (n == 0) {
        return 0;
    }
    memcpy(sorted, cost, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_cost);
    importance->cutoff = sorted[(size_t)ceil(importance_top_share * (double)n) - 1];
    for (size_t i = 0; i < n; i++) {
        data->top[i] = cost[i] <= importance->cutoff;
        importance->n_top += data->top[i];
    }
    return 0;
}

/* The bin of a value: one per value where there are few, else one of fifty. */
static size_t bin_of(const struct param *param, double value, size_t bins)
{
    double u = param_encode(param, value);

    if (param->n_cells == 0 || param->n_cells > PED_ANOVA_BINS) {
        return ped_anova_bin(u);
    }
    double cell = param->n_choices > 0 ? (double)param_cell(param, value) : floor(u * (double)bins);
    return cell >= (double)bins ? bins - 1 : (size_t)cell;
}

/* share ← the divergence of one parameter over the trials that have it, times α²/β. */
static int weigh(struct importance_data *data, const struct importance *importance, size_t i,
                 struct importance_share *share, struct err *err)
{
    const struct encoding *encoding = &data->encoding;
    const struct param *param = &encoding->space->params[i];
    bool is_coarse =
        encoding->is_cat[i] || (param->n_cells > 0 && param->n_cells <= PED_ANOVA_BINS);
    size_t bins = is_coarse ? (size_t)param->n_cells : PED_ANOVA_BINS;
    double weight = 0.0;

    for (size_t k = 0; k < data->n; k++) {
        double value = data->x[k][i];
        bool is_other = param->n_choices > 0 && !param_allows(param, value);
        if (!isnan(value) && !is_other) { /* removed, or added after the study was read */
            data->bin[share->n] =
                encoding->is_cat[i] ? (size_t)param_cell(param, value) : bin_of(param, value, bins);
            data->best[share->n++] = data->top[k];
            share->n_top += data->top[k];
        }
    }
    const struct binned_values values = {share->n, data->bin, data->best, bins,
                                         encoding->is_cat[i]};
    TRY(ped_anova_divergence(&values, &weight, err));
    double alpha = (double)share->n_top / (double)importance->n_top;
    double beta = (double)share->n / (double)importance->n;
    share->share = beta > 0.0 ? weight * alpha * alpha / beta : 0.0;
    return 0;
}

int importance_of(const struct space *space, size_t n, const double *const x[], const double cost[],
                  struct importance_share shares[], struct importance *importance, struct err *err)
{
    OWN(importance_data) struct importance_data data = {0};
    double sum = 0.0;

    TRY(importance_data_init(&data, space, n, x, err));
    TRY(mark_top(&data, cost, importance, err));
    memset(shares, 0, space->n_params * sizeof *shares);
    for (size_t k = 0; k < encoding_n_dims(&data.encoding); k++) {
        const struct encoding *encoding = &data.encoding;
        size_t i = k < encoding->n_num ? encoding->num[k] : encoding->cat[k - encoding->n_num];
        TRY(weigh(&data, importance, i, &shares[i], err));
        sum += shares[i].share;
    }
    bool is_informative = importance->n_top < n && sum > 0.0;
    for (size_t i = 0; i < space->n_params; i++) {
        shares[i].share = is_informative ? shares[i].share / sum : 0.0;
    }
    return 0;
}
