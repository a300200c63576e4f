#include "server/strategy/grid/grid_values.h"

#include <math.h>

uint64_t grid_param_size(const struct param *param)
{
    if (param->n_cells > 0 && (param->grid == 0 || param->grid > param->n_cells)) {
        return param->n_cells;
    }
    return param->grid;
}

/* Evenly spaced in the logarithm, or consecutive where steps are too coarse for that. Gaps only
 * grow, so that the greater of both indices increases strictly. */
static uint64_t log_cell(const struct param *param, uint64_t k, uint64_t size)
{
    uint64_t last = param->n_cells - 1;
    double share = (double)k / (double)(size - 1);
    double x = exp(log(param->low) + share * (log(param->high) - log(param->low)));
    double cell = floor((x - param->low) / param->step + 0.5);
    uint64_t ideal = cell < 0 ? 0 : cell > (double)last ? last : (uint64_t)cell;

    return ideal > k ? ideal : k;
}

/* The k-th of `size` < n_cells cells. */
static uint64_t spread_cell(const struct param *param, uint64_t k, uint64_t size)
{
    uint64_t last = param->n_cells - 1;

    if (size == 1) {
        return last / 2;
    }
    if (k == 0 || k == size - 1) {
        return k == 0 ? 0 : last;
    }
    if (param->scale == SCALE_LOG) {
        return log_cell(param, k, size);
    }
    if (param->scale == SCALE_REVERSE_LOG) {
        return last - log_cell(param, size - 1 - k, size);
    }
    /* round(k * last / (size - 1)) without a product that could overflow */
    uint64_t gaps = size - 1;
    return k * (last / gaps) + (k * (last % gaps) + gaps / 2) / gaps;
}

double grid_param_value(const struct param *param, uint64_t k)
{
    uint64_t size = grid_param_size(param);

    if (param->n_cells > 0) {
        return param_cell_value(param, size == param->n_cells ? k : spread_cell(param, k, size));
    }
    if (param->distribution != DISTRIBUTION_UNIFORM) {
        return param_decode(param, ((double)k + 0.5) / (double)size);
    }
    return param_decode(param, size == 1 ? 0.5 : (double)k / (double)(size - 1));
}
