/* Between a parameter's values and the unit interval (algorithms.md §1.0). No allocation. */
#include "common/space/space.h"

#include <float.h>
#include <math.h>

#include "common/normal.h"
#include "common/space/build.h"

/* Unbounded tails end where a probability of 2^-53 does, 8.2 standard deviations out. */
#define TAIL 0x1p-53

static double clip(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

double param_cell_value(const struct param *param, uint64_t k)
{
    if (param->n_choices > 0) {
        return param->live == NULL ? (double)k : (double)param->live[k];
    }
    if (param->type == PARAM_INT) {
        return (double)((int64_t)param->low + (int64_t)k * (int64_t)param->step);
    }
    if (param->decimal > 0) {
        return (param->low_units + (double)k * param->step_units) / param->decimal;
    }
    return param->low + (double)k * param->step;
}

/* The cell next to x, which need not be one's value. */
static uint64_t nearest_cell(const struct param *param, double x)
{
    double k = floor((x - param->low) / param->step + 0.5);

    return (uint64_t)clip(k, 0, (double)(param->n_cells - 1));
}

uint64_t param_cell(const struct param *param, double value)
{
    if (param->n_choices > 0) {
        return param->live == NULL ? (uint64_t)value : param_live_rank(param, value);
    }
    if (param->type == PARAM_INT) {
        double nearest = clip(value, param->low, param_cell_value(param, param->n_cells - 1));
        return (uint64_t)(((int64_t)nearest - (int64_t)param->low) / (int64_t)param->step);
    }
    return nearest_cell(param, value);
}

bool param_allows(const struct param *param, double value)
{
    if (!isfinite(value)) {
        return false;
    }
    if (param->n_choices > 0) {
        return value >= 0 && value < (double)param->n_choices && value == floor(value)
               && !param_is_removed(param, value);
    }
    if (value < param->low || value > param->high) {
        return false;
    }
    if (param->type == PARAM_INT) {
        return value == floor(value)
               && ((int64_t)value - (int64_t)param->low) % (int64_t)param->step == 0;
    }
    if (param->n_cells > 0) {
        return param_cell_value(param, nearest_cell(param, value)) == value;
    }
    return param->distribution != DISTRIBUTION_LOGNORMAL || value > 0;
}

/* Where x lies when the range is turned around. Of numbers far apart, low + high would be high. */
static double turned(const struct param *param, double x)
{
    return param->high - x + param->low;
}

/* Of a range on a scale. */
static double scale(const struct param *param, double x)
{
    if (param->scale == SCALE_REVERSE_LOG) {
        return -log(turned(param, x));
    }
    return param->scale == SCALE_LOG ? log(x) : x;
}

static double unscale(const struct param *param, double at)
{
    if (param->scale == SCALE_REVERSE_LOG) {
        return turned(param, exp(-at));
    }
    return param->scale == SCALE_LOG ? exp(at) : at;
}

double param_measure(const struct param *param, double x)
{
    switch (param->distribution) {
    case DISTRIBUTION_LOGNORMAL:
        x = x > 0 ? log(x) : -(double)INFINITY;
        __attribute__((fallthrough));
    case DISTRIBUTION_NORMAL: {
        double z = (x - param->mean) / param->sd;
        return normal_cdf(param->mirrored ? -z : z);
    }
    case DISTRIBUTION_UNIFORM:
    default:
        return scale(param, x);
    }
}

static double unmeasure(const struct param *param, double at)
{
    if (param->distribution == DISTRIBUTION_UNIFORM) {
        return unscale(param, at);
    }
    double z = normal_quantile(at);
    double x = param->mean + param->sd * (param->mirrored ? -z : z);
    if (param->distribution == DISTRIBUTION_NORMAL) {
        return x;
    }
    x = exp(x);
    return x < DBL_MIN ? DBL_MIN : x;
}

double param_encode(const struct param *param, double value)
{
    if (param->shares != NULL) {
        size_t k = (size_t)value;
        double from = k > 0 ? param->shares[k - 1] : 0;
        return from + (param->shares[k] - from) / 2;
    }
    if (param->n_choices > 0) {
        return (value + 0.5) / (double)param->n_choices;
    }
    if (param->n_cells > 0 && param->scale == SCALE_LINEAR
        && param->distribution == DISTRIBUTION_UNIFORM) {
        return ((double)param_cell(param, value) + 0.5) / (double)param->n_cells;
    }
    double inside = clip(value, param->low, param->high); /* beyond, it may have no measure */
    return clip((param_measure(param, inside) - param->edge_from) / param->edge_span, 0, 1);
}

/* A continuous value, or the raw one that still has to find its cell. */
static double decode_raw(const struct param *param, double u)
{
    if (param->distribution != DISTRIBUTION_UNIFORM) {
        double from = param->edge_from;
        double to = from + param->edge_span;
        return unmeasure(param, clip(from + u * param->edge_span, TAIL * fmax(from, to), 1 - TAIL));
    }
    return unmeasure(param, param->edge_from + u * param->edge_span);
}

double param_decode(const struct param *param, double u)
{
    u = u > 0 ? (u < 1 ? u : 1) : 0; /* NaN becomes 0 */
    if (param->shares != NULL) {
        size_t k = share_find(param->shares, param->n_choices, u);
        bool is_behind = param->live != NULL && k > param->live[param->n_cells - 1]; /* u is 1 */
        return (double)(is_behind ? param->live[param->n_cells - 1] : k);
    }
    if (param->n_choices > 0) {
        double k = floor(u * (double)param->n_choices);
        return clip(k, 0, (double)(param->n_choices - 1));
    }
    if (param->n_cells > 0) {
        if (param->scale == SCALE_LINEAR && param->distribution == DISTRIBUTION_UNIFORM) {
            double k = floor(u * (double)param->n_cells);
            return param_cell_value(param, (uint64_t)clip(k, 0, (double)(param->n_cells - 1)));
        }
        return param_cell_value(param, nearest_cell(param, decode_raw(param, u)));
    }
    if (param->distribution == DISTRIBUTION_UNIFORM && (u <= 0 || u >= 1)) {
        return u <= 0 ? param->low : param->high; /* exp(log(low)) need not be low */
    }
    return clip(decode_raw(param, u), param->low, param->high) + 0.0;
}

void space_encode(const struct space *space, const double x[], double u[])
{
    for (size_t i = 0; i < space->n_params; i++) {
        u[i] = isnan(x[i]) ? 0.5 : param_encode(&space->params[i], x[i]);
    }
}

void space_decode(const struct space *space, const double u[], double x[])
{
    for (size_t i = 0; i < space->n_params; i++) {
        x[i] = param_decode(&space->params[i], u[i]);
    }
    (void)space_activate(space, x);
}
