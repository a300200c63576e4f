#include "server/model/optimise.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "server/model/linalg.h"

enum { MEMORY = 5, BACKTRACKS_MAX = 6 };

/* One run of L-BFGS. All numbers are in units of `scale`, so that their lengths are comparable. */
struct lbfgs {
    size_t d;
    const double *scale;
    double *x, *g; /* the present point and the gradient there, in units */
    double value;
    double *direction;
    double *s[MEMORY], *y[MEMORY];
    double rho[MEMORY];
    size_t n_pairs;
    double step;
    int backtracks;
    bool done;
};

static double dot(size_t n, const double a[], const double b[])
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* The upper bound of the k-th number in units. */
static double high(const struct lbfgs *c, size_t k)
{
    return 1.0 / c->scale[k];
}

static bool is_free(const struct lbfgs *c, size_t k)
{
    if (!(c->scale[k] > 0.0)) {
        return false;
    }
    return !(c->x[k] <= 0.0 && c->g[k] < 0.0) && !(c->x[k] >= high(c, k) && c->g[k] > 0.0);
}

/* direction ← the L-BFGS approximation of −H⁻¹g on the numbers that are not at an active bound. */
static void choose_direction(struct lbfgs *c)
{
    double a[MEMORY] = {0};
    double *q = c->direction;

    for (size_t k = 0; k < c->d; k++) {
        q[k] = is_free(c, k) ? c->g[k] : 0.0;
    }
    for (size_t i = c->n_pairs; i-- > 0;) {
        a[i] = c->rho[i] * dot(c->d, c->s[i], q);
        for (size_t k = 0; k < c->d; k++) {
            q[k] -= a[i] * c->y[i][k];
        }
    }
    if (c->n_pairs > 0) {
        size_t last = c->n_pairs - 1;
        double gamma = 1.0 / (c->rho[last] * dot(c->d, c->y[last], c->y[last]));
        for (size_t k = 0; k < c->d; k++) {
            q[k] *= gamma;
        }
    }
    for (size_t i = 0; i < c->n_pairs; i++) {
        double b = c->rho[i] * dot(c->d, c->y[i], q);
        for (size_t k = 0; k < c->d; k++) {
            q[k] += (a[i] - b) * c->s[i][k];
        }
    }
    for (size_t k = 0; k < c->d; k++) {
        q[k] = is_free(c, k) ? q[k] : 0.0;
    }
}

/* Starts a line search at the present point. */
static void start_line_search(struct lbfgs *c)
{
    choose_direction(c);
    if (!(dot(c->d, c->direction, c->g) > 0.0)) {
        c->n_pairs = 0;
        choose_direction(c);
    }
    double length = sqrt(dot(c->d, c->direction, c->direction));
    if (!(length > 1e-10) || !isfinite(length)) {
        c->done = true;
        return;
    }
    /* the first step has no curvature information; no step is longer than two length scales */
    c->step = c->n_pairs == 0 ? fmin(1.0, 0.2 / length) : fmin(1.0, 2.0 / length);
    c->backtracks = 0;
}

static void next_point(const struct lbfgs *c, double x[])
{
    for (size_t k = 0; k < c->d; k++) {
        if (c->scale[k] > 0.0 && !c->done) {
            double v = c->x[k] + c->step * c->direction[k];
            x[k] = fmin(fmax(v, 0.0), high(c, k)) * c->scale[k];
            x[k] = fmin(x[k], 1.0);
        }
    }
}

static void store_pair(struct lbfgs *c, const double x[], const double g[])
{
    size_t at = c->n_pairs < MEMORY ? c->n_pairs : MEMORY - 1;

    if (c->n_pairs == MEMORY) {
        double *s = c->s[0];
        double *y = c->y[0];
        for (size_t i = 0; i + 1 < MEMORY; i++) {
            c->s[i] = c->s[i + 1];
            c->y[i] = c->y[i + 1];
            c->rho[i] = c->rho[i + 1];
        }
        c->s[at] = s;
        c->y[at] = y;
    }
    for (size_t k = 0; k < c->d; k++) {
        c->s[at][k] = x[k] - c->x[k];
        c->y[at][k] = c->g[k] - g[k]; /* positive curvature of the negated function */
    }
    double sy = dot(c->d, c->s[at], c->y[at]);
    if (sy > 1e-10 * dot(c->d, c->y[at], c->y[at])) {
        c->rho[at] = 1.0 / sy;
        c->n_pairs = at + 1;
    } else if (c->n_pairs == MEMORY) {
        c->n_pairs = MEMORY - 1; /* its last slot was overwritten */
    }
}

/* Accepts the step to x (in units) with this value and gradient, or shortens it. */
static void accept_or_backtrack(struct lbfgs *c, const double x[], double value, const double g[])
{
    double expected = 0.0;

    for (size_t k = 0; k < c->d; k++) {
        expected += c->g[k] * (x[k] - c->x[k]);
    }
    if (isfinite(value) && value >= c->value + 1e-4 * fmax(expected, 0.0) && value > c->value) {
        bool small = value - c->value < 1e-7 * fmax(1.0, fabs(value));
        store_pair(c, x, g);
        memcpy(c->x, x, c->d * sizeof *x);
        memcpy(c->g, g, c->d * sizeof *g);
        c->value = value;
        c->done = small;
        if (!small) {
            start_line_search(c);
        }
    } else if (++c->backtracks > BACKTRACKS_MAX) {
        c->done = true;
    } else {
        c->step *= 0.3;
    }
}

static void into_units(const struct lbfgs *c, const double x[], const double gradient[],
                       double x_units[], double g_units[])
{
    for (size_t k = 0; k < c->d; k++) {
        x_units[k] = c->scale[k] > 0.0 ? x[k] / c->scale[k] : 0.0;
        g_units[k] = c->scale[k] > 0.0 ? gradient[k] * c->scale[k] : 0.0;
    }
}

static void lbfgs_init(struct lbfgs *c, struct workspace *work, size_t d, const double scale[])
{
    *c = (struct lbfgs){.d = d, .scale = scale};
    c->x = workspace_take(work, d);
    c->g = workspace_take(work, d);
    c->direction = workspace_take(work, d);
    for (size_t i = 0; i < MEMORY; i++) {
        c->s[i] = workspace_take(work, d);
        c->y[i] = workspace_take(work, d);
    }
}

static bool all_done(size_t m, const struct lbfgs runs[])
{
    for (size_t j = 0; j < m; j++) {
        if (!runs[j].done) {
            return false;
        }
    }
    return true;
}

int maximise_in_box(const struct maximisation *maximisation, double x[], double value[],
                    struct err *err)
{
    size_t d = maximisation->d;
    size_t m = maximisation->m;
    OWN(workspace) struct workspace work = {0};
    OWN(memory) struct lbfgs *runs = calloc(m + 1, sizeof *runs);

    if (runs == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    TRY(workspace_init(&work,
                       m * (3 + 2 * MEMORY) * workspace_round(d) + workspace_round(d * m)
                           + 2 * workspace_round(d),
                       err));
    double *gradient = workspace_take(&work, d * m);
    double *x_units = workspace_take(&work, d);
    double *g_units = workspace_take(&work, d);
    maximisation->evaluate(maximisation->context, x, value, gradient);
    for (size_t j = 0; j < m; j++) {
        lbfgs_init(&runs[j], &work, d, maximisation->scale + j * d);
        into_units(&runs[j], x + j * d, gradient + j * d, runs[j].x, runs[j].g);
        runs[j].value = value[j];
        start_line_search(&runs[j]);
    }
    for (int step = 1; step < maximisation->steps && !all_done(m, runs); step++) {
        TRY(stop_check(maximisation->stop, err));
        for (size_t j = 0; j < m; j++) {
            next_point(&runs[j], x + j * d);
        }
        maximisation->evaluate(maximisation->context, x, value, gradient);
        for (size_t j = 0; j < m; j++) {
            if (!runs[j].done) {
                into_units(&runs[j], x + j * d, gradient + j * d, x_units, g_units);
                accept_or_backtrack(&runs[j], x_units, value[j], g_units);
            }
        }
    }
    for (size_t j = 0; j < m; j++) {
        runs[j].step = 0.0;
        runs[j].done = false;
        next_point(&runs[j], x + j * d);
        value[j] = runs[j].value;
    }
    return 0;
}
