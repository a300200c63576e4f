/* Parameters that are ranges: bounds, steps, scale, and what can be worked out once. */
#include "common/space/build.h"

#include <math.h>
#include <string.h>

#include "common/normal.h"

static const char *number_text(double x)
{
    static _Thread_local char texts[4][JSON_NUMBER_BYTES];
    static _Thread_local unsigned int next;
    char *text = texts[next++ % 4];

    return json_format_number(x, text);
}

/* A number in the parameter's own type; NaN when missing or wrong. */
static double read_number(struct fields *f, const struct param *param, const char *name)
{
    size_t before = f->faults->total;
    double number = (double)NAN;

    if (param->type != PARAM_INT) {
        number = fields_real(f, name, (double)NAN);
    } else if (fields_has(f, name)) {
        number = (double)fields_int(f, name, 0, -SPACE_INT_MAX, SPACE_INT_MAX);
    } else {
        (void)fields_any(f, name);
    }
    return f->faults->total == before ? number : (double)NAN;
}

/* One of `names`, or 0 when missing or wrong. */
int param_read_word(struct fields *f, const char *name, const char *const names[], int n)
{
    const char *word = fields_string(f, name, NULL);

    for (int i = 0; word != NULL && i < n; i++) {
        if (strcmp(word, names[i]) == 0) {
            return i;
        }
    }
    if (word != NULL) {
        fields_fault(f, name, "\"%.40s\" is none of %s%s%s%s%s", word, names[0], ", ", names[1],
                     n > 2 ? ", " : "", n > 2 ? names[2] : "");
    }
    return 0;
}

/* Finds the power of ten that makes low and step integers, if their decimals are short. */
static void find_decimal(struct param *param)
{
    double p = 1;

    for (int q = 0; q <= 15; q++, p *= 10) {
        double low = nearbyint(param->low * p);
        double step = nearbyint(param->step * p);
        if (fabs(low) > 0x1p52 || fabs(param->high * p) > 0x1p52) {
            return;
        }
        if (low / p == param->low && step / p == param->step) {
            param->decimal = p;
            param->low_units = low;
            param->step_units = step;
            return;
        }
    }
}

static void count_cells(struct fields *f, struct param *param)
{
    if (param->type == PARAM_INT) {
        int64_t span = (int64_t)param->high - (int64_t)param->low;
        param->n_cells = (uint64_t)(span / (int64_t)param->step) + 1;
    } else {
        double n = floor((param->high - param->low) / param->step * (1 + 1e-14) + 1e-9);
        if (n >= 0x1p53) {
            fields_fault(f, "step", "makes more than 2^53 steps; leave it out or make it larger");
            return;
        }
        find_decimal(param);
        param->n_cells = (uint64_t)n + 1;
    }
    param->high = param_cell_value(param, param->n_cells - 1);
}

/* The probability that falls into low..high, counted from the side where digits are kept. */
static void find_normal_edges(struct fields *f, struct param *param, double margin)
{
    double low = param->low - margin;
    double high = param->high + margin;

    if (param->distribution == DISTRIBUTION_LOGNORMAL) {
        low = low > 0 ? log(low) : -(double)INFINITY;
        high = log(high);
    }
    double a = (low - param->mean) / param->sd;
    double b = (high - param->mean) / param->sd;
    param->mirrored = a > 0;
    param->edge_from = normal_cdf(param->mirrored ? -a : a);
    param->edge_span = normal_cdf(param->mirrored ? -b : b) - param->edge_from;
    if (!(fabs(param->edge_span) > 1e-280)) {
        fields_fault(f, "mean", "lies so far outside low..high that nothing could be drawn");
    }
}

static void find_edges(struct fields *f, struct param *param)
{
    double margin = param->n_cells > 0 ? param->step / 2 : 0;

    if (param->distribution != DISTRIBUTION_UNIFORM) {
        find_normal_edges(f, param, margin);
        return;
    }
    double low = param->low - margin;
    double high = param->high + margin;
    if (param->scale != SCALE_LINEAR && low <= 0) {
        fields_fault(f, "low",
                     margin > 0 && param->low > 0
                         ? "must be more than half the step with a log scale"
                         : "must be greater than 0 with a log scale");
        return;
    }
    param->edge_from = param_measure(param, low);
    param->edge_span = param_measure(param, high) - param->edge_from;
    if (!(param->edge_span > 0)) {
        fields_fault(f, "high", "is too close to low to tell values apart");
    }
}

/* low, high: required unless a normal distribution stands in for them. */
static void read_bounds(struct fields *f, struct param *param, bool must)
{
    double low = read_number(f, param, "low");
    double high = read_number(f, param, "high");

    if (must && !fields_has(f, "low")) {
        fields_fault(f, "low", "is missing; give the lowest value, or list \"values\"");
    }
    if (must && !fields_has(f, "high")) {
        fields_fault(f, "high", "is missing; give the highest value, or list \"values\"");
    }
    if (low >= high) {
        fields_fault(f, "high", "must be greater than low (%s); use a constant for a single value",
                     number_text(low));
    } else if (!isfinite(high - low) && !isnan(high - low)) {
        fields_fault(f, "high", "lies further from low than a double can tell");
    }
    bool lognormal = param->distribution == DISTRIBUTION_LOGNORMAL;
    if (lognormal && low < 0) {
        fields_fault(f, "low", "must not be negative with a lognormal distribution");
    }
    param->low = isnan(low) ? (lognormal ? 0 : -(double)INFINITY) : low;
    param->high = isnan(high) ? (double)INFINITY : high;
}

static void read_moments(struct fields *f, struct param *param)
{
    param->mean = fields_real(f, "mean", (double)NAN);
    param->sd = fields_real(f, "sd", (double)NAN);
    if (!fields_has(f, "mean")) {
        fields_fault(f, "mean", "is missing; a normal distribution needs mean and sd");
    }
    if (!fields_has(f, "sd")) {
        fields_fault(f, "sd", "is missing; a normal distribution needs mean and sd");
    } else if (param->sd <= 0) {
        fields_fault(f, "sd", "must be greater than 0");
    }
    if (param->distribution == DISTRIBUTION_LOGNORMAL && isinf(param->high)
        && param->mean + 9 * param->sd > 700) {
        fields_fault(f, "sd", "reaches beyond the largest double; give a high");
    }
    if (param->distribution == DISTRIBUTION_NORMAL && !isfinite(param->mean + 9 * param->sd)
        && !isnan(param->mean + param->sd)) {
        fields_fault(f, "sd", "reaches beyond the largest double");
    }
}

/* k steps, in decimals that are as short as the step's own. */
static double multiple(double step, double k)
{
    double p = 1;

    for (int q = 0; q <= 15; q++, p *= 10) {
        double units = nearbyint(step * p);
        if (units / p == step && fabs(units * k) < 0x1p53) {
            return units * k / p;
        }
    }
    return step * k;
}

/* A normal distribution in steps reaches as far as one without: its missing ends are multiples of
 * the step beyond which nothing is ever drawn, or whole steps from the end that is given. */
static void fill_bounds(struct param *param)
{
    const double reach = 8.3 * param->sd; /* a probability of 2^-53 lies 8.2 deviations out */
    bool lognormal = param->distribution == DISTRIBUTION_LOGNORMAL;
    double least = param->mean - reach;
    double most = lognormal ? exp(param->mean + reach) : param->mean + reach;
    double step = param->step;

    if (isinf(param->low) && isinf(param->high)) {
        param->low = multiple(step, floor(least / step));
    }
    if (isinf(param->high)) {
        most = fmax(most, param->low + (lognormal ? step : reach));
        param->high = param->low + multiple(step, ceil((most - param->low) / step));
    }
    if (isinf(param->low)) {
        least = fmin(least, param->high - reach);
        param->low = param->high - multiple(step, ceil((param->high - least) / step));
    }
}

static void check_filled(struct fields *f, const struct param *param)
{
    double most = param->type == PARAM_INT ? 0x1p53 : 1e300;

    if (!(param->low >= -most && param->high <= most)) {
        fields_fault(f, "sd", "reaches too far for steps; give low and high");
    }
}

static void read_step(struct fields *f, struct param *param)
{
    double step = read_number(f, param, "step");

    if (step <= 0) {
        fields_fault(f, "step", "must be greater than 0");
    } else if (step > param->high - param->low) {
        fields_fault(f, "step", "is larger than high - low (%s); only low would be left",
                     number_text(param->high - param->low));
    }
    param->step = isnan(step) ? (param->type == PARAM_INT ? 1 : 0) : step;
}

void param_read_range(struct fields *f, struct param *param)
{
    static const char *const distributions[] = {"uniform", "normal", "lognormal"};
    size_t before = f->faults->total;

    param->distribution =
        (enum param_distribution)param_read_word(f, "distribution", distributions, 3);
    if (f->faults->total != before) {
        static const char *const others[] = {"low", "high", "step", "mean", "sd", "grid"};
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            (void)fields_any(f, others[i]); /* which are wanted hangs on the distribution */
        }
        return;
    }
    bool uniform = param->distribution == DISTRIBUTION_UNIFORM;
    read_bounds(f, param, uniform);
    read_step(f, param);
    if (!uniform) {
        read_moments(f, param);
        if (param->scale != SCALE_LINEAR) {
            fields_fault(f, "scale", "goes with a uniform distribution only; use \"lognormal\"");
        }
    }
    if (f->faults->total == before && param->step > 0) {
        fill_bounds(param);
        check_filled(f, param);
    }
    param->grid = (size_t)fields_int(f, "grid", 0, 1, SPACE_GRID_MAX);
    if (f->faults->total == before && param->step > 0) {
        count_cells(f, param);
    }
    if (f->faults->total == before) {
        find_edges(f, param);
    }
    if (param->n_cells > 0 && param->grid >= param->n_cells) {
        param->grid = 0; /* all of them, which is what it means to leave it out */
    }
}
