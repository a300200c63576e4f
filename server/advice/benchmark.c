#include "server/advice/benchmark.h"

#include <math.h>
#include <string.h>

#include "server/advice/figures.h"

static const double budgets[BENCHMARK_BUDGETS] = {MEASURED_LEAST, 50, MEASURED_MOST};

static bool has_figures(const struct figure row[BENCHMARK_BUDGETS])
{
    return row[0].mean > 0.0;
}

/* NULL: nothing of it was measured. */
static const struct technique_figures *figures_of(const struct technique *technique)
{
    const char *title = technique->figures_of == NULL ? technique->title : technique->figures_of;

    for (const struct technique_figures *at = technique_figures; at->title != NULL; at++) {
        if (strcmp(at->title, title) == 0) {
            return at;
        }
    }
    return NULL;
}

static struct figure between(struct figure a, struct figure b, double share)
{
    return (struct figure){.mean = a.mean + share * (b.mean - a.mean),
                           .error = a.error + share * (b.error - a.error)};
}

/* Interpolated between the two nearest budgets, in their logarithms. */
static struct figure at_budget(const struct figure row[BENCHMARK_BUDGETS], double evaluations)
{
    if (evaluations <= budgets[0]) {
        return row[0];
    }
    for (size_t i = 1; i < BENCHMARK_BUDGETS; i++) {
        if (evaluations < budgets[i]) {
            double share = log(evaluations / budgets[i - 1]) / log(budgets[i] / budgets[i - 1]);
            return between(row[i - 1], row[i], share);
        }
    }
    return row[BENCHMARK_BUDGETS - 1];
}

bool benchmark_has_figures(const struct technique *technique, enum problem_kind kind)
{
    const struct technique_figures *figures =
        technique->figures_of == NULL ? figures_of(technique) : NULL;

    return figures != NULL
           && (has_figures(figures->regret[kind][0]) || has_figures(figures->regret[kind][1]));
}

struct figure benchmark_regret(const struct technique *technique, enum problem_kind kind,
                               double workers, double evaluations, bool *is_measured)
{
    bool is_own = technique->figures_of == NULL;
    const struct technique_figures *figures = figures_of(technique);
    double share = log(fmin(fmax(workers, 1.0), MEASURED_WORKERS)) / log(MEASURED_WORKERS);
    bool one = figures != NULL && has_figures(figures->regret[kind][0]);
    bool many = figures != NULL && has_figures(figures->regret[kind][1]);

    if (is_measured != NULL) {
        *is_measured = is_own && (one || share == 1.0) && (many || share == 0.0)
                       && evaluations >= MEASURED_LEAST && evaluations <= MEASURED_MOST
                       && workers <= MEASURED_WORKERS;
    }
    if (!one && !many && kind == KIND_NOISY) {
        return benchmark_regret(technique, KIND_MIXED, workers, evaluations, NULL);
    }
    if (!one && !many) {
        return (struct figure){.mean = 1.0};
    }
    return between(at_budget(figures->regret[kind][one ? 0 : 1], evaluations),
                   at_budget(figures->regret[kind][many ? 1 : 0], evaluations), share);
}

bool benchmark_interval(struct figure figure, double *low, double *high)
{
    *low = fmax(figure.mean - 1.96 * figure.error, 0.0);
    *high = figure.mean + 1.96 * figure.error;
    return figure.error > 0.0;
}

/* ---- time of a suggestion -------------------------------------------------------------------- */

/* Seconds of a suggestion after n results. */
struct duration_point {
    double n, seconds;
};

static const struct duration_point gaussian[] = {{0, 0}, {100, 0.014}, {500, 0.072}, {1000, 0.147}};
static const struct duration_point densities[] = {{0, 0}, {1000, 0.001}, {5000, 0.004}};

static const struct duration_point population[] = {
    {0, 0}, {1000, 0.001}, {5000, 0.006}, {10000, 0.013}};

static size_t durations_of(enum technique_model model, const struct duration_point **table)
{
    switch (model) {
    case MODEL_GAUSSIAN:
        *table = gaussian;
        return sizeof gaussian / sizeof gaussian[0];
    case MODEL_DENSITIES:
        *table = densities;
        return sizeof densities / sizeof densities[0];
    case MODEL_POPULATION:
        *table = population;
        return sizeof population / sizeof population[0];
    case MODEL_NONE:
        break;
    }
    return 0;
}

/* Seconds at n; *total: summed from 0 to n. Linear between the points, constant after the last. */
static double seconds_at(enum technique_model model, double n, double *total)
{
    const struct duration_point *table;
    size_t n_table = durations_of(model, &table);
    double sum = 0.0;

    for (size_t i = 1; i < n_table; i++) {
        const struct duration_point *a = &table[i - 1];
        const struct duration_point *b = &table[i];
        if (n < b->n) {
            double here = a->seconds + (n - a->n) / (b->n - a->n) * (b->seconds - a->seconds);
            *total = sum + (n - a->n) * (a->seconds + here) / 2.0;
            return here;
        }
        sum += (b->n - a->n) * (a->seconds + b->seconds) / 2.0;
    }
    if (n_table == 0) {
        *total = 0.0;
        return 0.0;
    }
    const struct duration_point *last = &table[n_table - 1];
    *total = sum + (n - last->n) * last->seconds;
    return last->seconds;
}

double benchmark_suggestion_seconds(const struct technique *technique, double n)
{
    double total;

    return seconds_at(technique->model, n, &total);
}

double benchmark_suggestion_total(const struct technique *technique, double n)
{
    double total;

    (void)seconds_at(technique->model, n, &total);
    return total;
}
