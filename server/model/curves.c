#include "server/model/curves.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/own.h"

/* The reasons for these numbers are in tests/bench/choices.md. */
static const double prior_sd = 0.25; /* of a residual, in scales of its level, … */
static const double prior_n = 2.0;   /* … worth so many observations */
static const double slope_sd = 0.5;  /* of both slopes, where the residuals are as the prior says */
static const double reach = 3.0;     /* scales beyond which uncertainty grows no more */
static const double scale_n = 4.0;   /* the scale of the level below counts as so many values */

size_t curve_levels(int64_t low, int64_t high, int64_t step, double eta,
                    int64_t levels[CURVE_LEVELS_MAX])
{
    int64_t tenth = ((high + 9) / 10 + step - 1) / step * step;
    int64_t least = low > tenth ? low : tenth;
    int64_t down[CURVE_LEVELS_MAX] = {high};
    size_t n = 1;

    while (n < CURVE_LEVELS_MAX) {
        double exact = (double)high / pow(eta, 0.5 * (double)n) / (double)step;
        int64_t level = step * (int64_t)(exact + 0.5);
        if (level < least || level >= down[n - 1]) {
            break;
        }
        down[n++] = level;
    }
    for (size_t i = 0; i < n; i++) {
        levels[i] = down[n - 1 - i];
    }
    return n;
}

int64_t curve_level_below(int64_t low, int64_t first, int64_t step, double eta)
{
    int64_t level = step * (int64_t)((double)first / sqrt(eta) / (double)step + 0.5);

    return level >= low && level < first ? level : 0;
}

/* All curves, as curves_extrapolate() takes them. */
struct curves {
    size_t n_levels, n;
    const double *value, *before;
};

/* The regression from one level to the next:
 *   gain = alpha + beta (value − mean_value) + eta (last gain − mean_gain) ± √var
 * The symmetric matrix P times var is the covariance of beta and eta. */
struct link {
    double n; /* curves that it was fitted to */
    double mean_value, mean_gain, var_gain;
    double alpha, beta, eta, var;
    double P_vv, P_vg, P_gg;
    double farthest; /* distance from the means up to which the slopes' covariance counts */
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double value_at(const struct curves *curves, size_t i, size_t at)
{
    return curves->value[i * curves->n_levels + at];
}

/* The gain of a curve that led to a level; NaN where it is unknown. */
static double gain_before(const struct curves *curves, size_t i, size_t at)
{
    return value_at(curves, i, at) - (at > 0 ? value_at(curves, i, at - 1) : curves->before[i]);
}

static bool has_link(const struct curves *curves, size_t i, size_t at)
{
    return !isnan(value_at(curves, i, at)) && !isnan(value_at(curves, i, at + 1));
}

/* ---- scales ---------------------------------------------------------------------------------- */
/* Returns median − best of k values, which it sorts; 0 without values. */
static double spread(size_t k, double values[])
{
    if (k == 0) {
        return 0.0;
    }
    qsort(values, k, sizeof *values, by_value);
    return 0.5 * (values[(k - 1) / 2] + values[k / 2]) - values[0];
}

/* scale[at] ← median − best of the values at each level. Few curves reach a high level, so that it
 * is averaged with the scale of the level below, that of the first one with the scale of all
 * values together. */
static int find_scales(const struct curves *curves, double scale[], struct err *err)
{
    size_t most = curves->n_levels * curves->n;
    OWN(memory) double *values = calloc(most + 1, sizeof *values);
    size_t k = 0;

    if (values == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for learning curves");
    }
    for (size_t i = 0; i < most; i++) {
        if (!isnan(curves->value[i])) {
            values[k++] = curves->value[i];
        }
    }
    double below = spread(k, values);
    for (size_t at = 0; at < curves->n_levels; at++) {
        k = 0;
        for (size_t i = 0; i < curves->n; i++) {
            if (!isnan(value_at(curves, i, at))) {
                values[k++] = value_at(curves, i, at);
            }
        }
        below = ((double)k * spread(k, values) + scale_n * below) / ((double)k + scale_n);
        scale[at] = fmax(below, 1e-12);
    }
    return 0;
}

/* ---- links ----------------------------------------------------------------------------------- */
/* Sets n, alpha and the means; the mean of the last gains is that of the known ones. */
static void find_means(const struct curves *curves, size_t at, struct link *link)
{
    double n_gains = 0.0;

    for (size_t i = 0; i < curves->n; i++) {
        if (!has_link(curves, i, at)) {
            continue;
        }
        double gain = gain_before(curves, i, at);
        link->n += 1.0;
        link->mean_value += value_at(curves, i, at);
        link->alpha += value_at(curves, i, at + 1) - value_at(curves, i, at);
        n_gains += isnan(gain) ? 0.0 : 1.0;
        link->mean_gain += isnan(gain) ? 0.0 : gain;
    }
    if (link->n > 0.0) {
        link->mean_value /= link->n;
        link->alpha /= link->n;
    }
    link->mean_gain /= fmax(n_gains, 1.0);
}

/* The conjugate regression: beta, eta ~ N(0, var · weight⁻¹), var ~ inverse gamma. */
static struct link fit_link(const struct curves *curves, size_t at, double scale)
{
    struct link link = {0};
    double prior = prior_sd * scale;
    double weight = (prior / slope_sd) * (prior / slope_sd);
    double vv = weight;
    double gg = weight;
    double vg = 0.0;
    double vy = 0.0;
    double gy = 0.0;
    double yy = 0.0;

    link.farthest = reach * scale;
    find_means(curves, at, &link);
    for (size_t i = 0; i < curves->n; i++) {
        if (!has_link(curves, i, at)) {
            continue;
        }
        double gain = gain_before(curves, i, at);
        double g = isnan(gain) ? 0.0 : gain - link.mean_gain;
        double v = value_at(curves, i, at) - link.mean_value;
        double y = value_at(curves, i, at + 1) - value_at(curves, i, at) - link.alpha;
        vv += v * v;
        gg += g * g;
        vg += v * g;
        vy += v * y;
        gy += g * y;
        yy += y * y;
    }
    double det = vv * gg - vg * vg;
    link.P_vv = gg / det;
    link.P_vg = -vg / det;
    link.P_gg = vv / det;
    link.beta = link.P_vv * vy + link.P_vg * gy;
    link.eta = link.P_vg * vy + link.P_gg * gy;
    double residual = fmax(yy - link.beta * vy - link.eta * gy, 0.0); /* and the prior's share */
    link.var = (residual + prior_n * prior * prior) / (prior_n + fmax(link.n - 1.0, 0.0));
    link.var_gain = (gg - weight) / fmax(link.n, 1.0);
    return link;
}

/* ---- extrapolation --------------------------------------------------------------------------- */
/* The state of an extrapolated curve at a level: its value and last gain, with their covariance. */
struct curve_state {
    double value, gain;
    double var, cov, var_gain;
};

/* The variance of the next gain given the state. */
static double link_noise(const struct link *link, double v, double g)
{
    double x = fmax(-link->farthest, fmin(v, link->farthest));
    double z = fmax(-link->farthest, fmin(g, link->farthest));
    double far = link->P_vv * x * x + 2.0 * link->P_vg * x * z + link->P_gg * z * z;

    return link->var * (1.0 + 1.0 / (link->n + 0.5) + far);
}

static void advance(const struct link *link, struct curve_state *state)
{
    double v = state->value - link->mean_value;
    double g = state->gain - link->mean_gain;
    double b = link->beta;
    double h = link->eta;
    double noise = link_noise(link, v, g);
    double cov = b * state->var + h * state->cov; /* of the value and the next gain */
    double var_gain =
        b * b * state->var + 2.0 * b * h * state->cov + h * h * state->var_gain + noise;

    state->gain = link->alpha + b * v + h * g;
    state->value += state->gain;
    state->var += 2.0 * cov + var_gain;
    state->cov = cov + var_gain;
    state->var_gain = var_gain;
}

/* Extrapolates one curve from the last level that it has reached. */
static void extrapolate(const struct curves *curves, size_t i, const struct link links[],
                        double *end, double *var)
{
    size_t at = curves->n_levels;

    while (at > 0 && isnan(value_at(curves, i, at - 1))) {
        at--;
    }
    if (at == 0 || at == curves->n_levels) {
        *end = at == 0 ? (double)NAN : value_at(curves, i, at - 1);
        *var = at == 0 ? (double)NAN : 0.0;
        return;
    }
    struct curve_state state = {.value = value_at(curves, i, at - 1),
                                .gain = gain_before(curves, i, at - 1)};
    if (isnan(state.gain)) {
        state.gain = links[at - 1].mean_gain;
        state.var_gain = links[at - 1].var_gain;
    }
    for (; at < curves->n_levels; at++) {
        advance(&links[at - 1], &state);
    }
    *end = state.value;
    *var = state.var;
}

int curves_extrapolate(size_t n_levels, size_t n, const double value[], const double before[],
                       double end[], double var[], struct err *err)
{
    const struct curves curves = {n_levels, n, value, before};
    struct link links[CURVE_LEVELS_MAX];
    double scale[CURVE_LEVELS_MAX];

    TRY(find_scales(&curves, scale, err));
    for (size_t at = 0; at + 1 < n_levels; at++) {
        links[at] = fit_link(&curves, at, scale[at]);
    }
    for (size_t i = 0; i < n; i++) {
        extrapolate(&curves, i, links, &end[i], &var[i]);
    }
    return 0;
}
