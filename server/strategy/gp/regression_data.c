#include "server/strategy/gp/regression_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/curves.h"

static const double level_eta = 3.0;

#define NOISIER_MAX 100.0

void rows_finish(struct rows *rows)
{
    free(rows->x);
    free(rows->y);
    free(rows->extra);
    free(rows->expected);
    *rows = (struct rows){0};
}

/* ---- curves ---------------------------------------------------------------------------------- */
/* The cost at a level: the last measurement at or before it, if the trial came that far. A trial
 * that completed earlier ended by itself: its value stands at the later levels too. */
static double at_level(const struct study_def *study, const struct observation *seen, int64_t level,
                       bool is_last)
{
    bool is_complete = seen->kind == OBSERVED_COMPLETED;
    double value = NAN;
    bool reached = false;

    if (is_complete && is_last) {
        return trials_value(study, seen->value);
    }
    for (size_t i = 0; i < seen->n_curve; i++) {
        reached = reached || seen->curve[i].step >= level;
        value = seen->curve[i].step <= level ? seen->curve[i].value : value;
    }
    if (seen->n_curve == 0 && seen->step <= level) {
        value = seen->value;
        reached = seen->step == level;
    }
    return (reached || is_complete) && isfinite(value) ? trials_value(study, value) : (double)NAN;
}

static bool has_value(const struct study_def *study, const struct observation *seen,
                      size_t n_levels, const int64_t levels[])
{
    for (size_t i = 0; i < n_levels; i++) {
        if (!isnan(at_level(study, seen, levels[i], i + 1 == n_levels))) {
            return true;
        }
    }
    return false;
}

static const struct observation *nth(const struct trials *trials, size_t i)
{
    return i < trials->n_done ? trials->done_seen[i] : trials->pending_seen[i - trials->n_done];
}

/* Rows with costs and variances in the objective's own units. */
static int gather_curves(struct rows *rows, const struct study_def *study,
                         const struct trials *trials, struct err *err)
{
    int64_t levels[CURVE_LEVELS_MAX];
    size_t n_levels = curve_levels(study->resource_min, study->resource_max, level_eta, levels);
    size_t most = trials->n_done + trials->n_pending;
    OWN(memory) double *value = calloc(most * n_levels + 1, sizeof *value);

    if (value == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for learning curves");
    }
    for (size_t i = 0; i < most; i++) {
        const struct observation *seen = nth(trials, i);
        if (!has_value(study, seen, n_levels, levels)) {
            continue;
        }
        double *row = value + rows->n * n_levels;
        for (size_t k = 0; k < n_levels; k++) {
            row[k] = at_level(study, seen, levels[k], k + 1 == n_levels);
        }
        rows->n_whole += isnan(row[n_levels - 1]) ? 0 : 1;
        rows->x[rows->n++] = seen->x;
    }
    rows->has_curves = true;
    return curves_extrapolate(n_levels, rows->n, value, rows->y, rows->extra, err);
}

/* ---- all rows -------------------------------------------------------------------------------- */
static void gather_costs(struct rows *rows, const struct trials *trials)
{
    for (size_t i = 0; i < trials->n_done; i++) {
        rows->x[i] = trials->done[i];
        rows->y[i] = trials->cost[i];
    }
    rows->n = rows->n_whole = trials->n_done;
}

static void add_failures(struct rows *rows, const struct trials *trials)
{
    double low = INFINITY;
    double high = -INFINITY;

    for (size_t i = 0; i < rows->n; i++) {
        low = fmin(low, rows->y[i]);
        high = fmax(high, rows->y[i]);
    }
    double worst = rows->n == 0 ? 0.0 : high + 0.5 * (high - low);
    for (size_t i = 0; i < trials->n_failed; i++) {
        rows->x[rows->n] = trials->failed[i];
        rows->y[rows->n++] = worst;
    }
}

static int allocate(struct rows *rows, size_t most, struct err *err)
{
    *rows = (struct rows){.best = INFINITY, .noisier = 1.0};
    rows->x = calloc(most + 1, sizeof *rows->x);
    rows->y = calloc(most + 1, sizeof *rows->y);
    rows->extra = calloc(most + 1, sizeof *rows->extra);
    rows->expected = calloc(most + 1, sizeof *rows->expected);
    if (rows->x == NULL || rows->y == NULL || rows->extra == NULL || rows->expected == NULL) {
        rows_finish(rows);
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    return 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What carried values are uncertain by is told on the scale of the good half: the z-score's is that
 * of the bad ones, of which there are many and far away, and on it the process believes itself more
 * than it should. How many times larger the variances become, at most NOISIER_MAX. */
static int good_half_factor(const struct rows *rows, double *factor, struct err *err)
{
    OWN(memory) double *sorted = malloc(rows->n * sizeof *sorted + 1);
    double square = 0.0;
    size_t n = 0;

    *factor = 1.0;
    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    if (rows->n == 0) {
        return 0;
    }
    memcpy(sorted, rows->y, rows->n * sizeof *sorted);
    qsort(sorted, rows->n, sizeof *sorted, by_value);
    double median = 0.5 * (sorted[(rows->n - 1) / 2] + sorted[rows->n / 2]);
    while (n < rows->n && sorted[n] <= median) {
        square += (sorted[n] - median) * (sorted[n] - median);
        n++;
    }
    double share = square / (double)(n > 0 ? n : 1);
    *factor = share > 1.0 / NOISIER_MAX ? 1.0 / share : NOISIER_MAX;
    return 0;
}

static int scale_curves(struct rows *rows, struct err *err)
{
    TRY(good_half_factor(rows, &rows->noisier, err));
    for (size_t i = 0; i < rows->n; i++) {
        rows->extra[i] *= rows->noisier;
    }
    return 0;
}

int rows_init(struct rows *rows, const struct study_def *study, const struct trials *trials,
              struct err *err)
{
    TRY(allocate(rows, trials->n_done + trials->n_pending + trials->n_failed, err));
    if (study->has_resource) {
        TRY(gather_curves(rows, study, trials, err));
    } else {
        gather_costs(rows, trials);
    }
    TRY((study->has_resource ? transform_fit_all : transform_fit)(&rows->transform, rows->n,
                                                                  rows->y, err));
    double sd = rows->transform.sd;
    for (size_t i = 0; i < rows->n; i++) {
        rows->y[i] = transform_apply(&rows->transform, rows->y[i]);
        if (!(rows->extra[i] > 0.0)) {
            rows->best = fmin(rows->best, rows->y[i]);
        }
        rows->extra[i] = sd > 0.0 ? rows->extra[i] / (sd * sd) : 0.0;
    }
    if (rows->has_curves) {
        TRY(scale_curves(rows, err));
    }
    add_failures(rows, trials);
    return 0;
}

size_t rows_count(const struct study_def *study, const struct trials *trials)
{
    int64_t levels[CURVE_LEVELS_MAX];
    size_t n = 0;

    if (!study->has_resource) {
        return trials->n_done;
    }
    size_t n_levels = curve_levels(study->resource_min, study->resource_max, level_eta, levels);
    for (size_t i = 0; i < trials->n_done + trials->n_pending; i++) {
        n += has_value(study, nth(trials, i), n_levels, levels) ? 1 : 0;
    }
    return n;
}

/* ---- a closer look --------------------------------------------------------------------------- */
enum { FIRST = 20 };

static const double trace = 1e-3; /* of a standard deviation */

size_t rows_idle(const struct rows *rows)
{
    double best = INFINITY;
    size_t last = 0;

    for (size_t i = 0; i < rows->n_whole; i++) {
        if (rows->y[i] < best - trace) {
            best = rows->y[i];
            last = i;
        }
    }
    return rows->n_whole - last;
}

/* y and the transform ← what they are when the mean is 0 and the deviation 1 again. */
static void rescale(struct rows *rows)
{
    double n = (double)rows->n;
    double mean = 0.0;
    double square = 0.0;

    for (size_t i = 0; i < rows->n; i++) {
        mean += rows->y[i] / n;
    }
    for (size_t i = 0; i < rows->n; i++) {
        square += (rows->y[i] - mean) * (rows->y[i] - mean) / n;
    }
    double sd = sqrt(square);
    for (size_t i = 0; i < rows->n; i++) {
        rows->y[i] = (rows->y[i] - mean) / sd;
    }
    rows->best = (rows->best - mean) / sd;
    rows->transform.mean += rows->transform.sd * mean;
    rows->transform.sd *= sd;
}

bool rows_look_closer(struct rows *rows)
{
    double sorted[FIRST];

    if (rows->n_whole < FIRST) {
        return false;
    }
    memcpy(sorted, rows->y, sizeof sorted);
    qsort(sorted, FIRST, sizeof *sorted, by_value);
    double median = sorted[FIRST / 2];
    if (!(median > rows->best + trace)) {
        return false;
    }
    for (size_t i = 0; i < rows->n; i++) {
        rows->y[i] = fmin(rows->y[i], median);
    }
    rescale(rows);
    return true;
}
