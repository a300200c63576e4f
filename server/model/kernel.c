#include "server/model/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/exp.h"
#include "server/model/linalg.h"
#include "server/model/vectorised.h"

int points_init(struct points *points, size_t n_num, size_t n_cat, size_t cap, struct err *err)
{
    *points = (struct points){.cap = cap, .n_num = n_num, .n_cat = n_cat};
    points->num = calloc(n_num * cap + 1, sizeof *points->num);
    points->cat = calloc(n_cat * cap + 1, sizeof *points->cat);
    points->active = calloc((n_num + n_cat) * cap + 1, sizeof *points->active);
    if (points->num == NULL || points->cat == NULL || points->active == NULL) {
        points_finish(points);
        return err_set(err, ERR_NOMEM, "no memory for %zu points", cap);
    }
    for (size_t i = 0; i < (n_num + n_cat) * cap; i++) {
        points->active[i] = true;
    }
    return 0;
}

void points_finish(struct points *points)
{
    free(points->num);
    free(points->cat);
    free(points->active);
    *points = (struct points){0};
}

double *points_num(const struct points *points, size_t i)
{
    return points->num + i * points->n_num;
}

int32_t *points_cat(const struct points *points, size_t i)
{
    return points->cat + i * points->n_cat;
}

bool *points_active(const struct points *points, size_t i)
{
    return points->active + i * (points->n_num + points->n_cat);
}

struct points points_part(const struct points *points, size_t from, size_t n)
{
    struct points part = *points;

    part.n = n;
    part.num += from * points->n_num;
    part.cat += from * points->n_cat;
    part.active += from * (points->n_num + points->n_cat);
    return part;
}

void points_copy(struct points *points, size_t to, const struct points *other, size_t from)
{
    memcpy(points_num(points, to), points_num(other, from), points->n_num * sizeof *points->num);
    memcpy(points_cat(points, to), points_cat(other, from), points->n_cat * sizeof *points->cat);
    memcpy(points_active(points, to), points_active(other, from),
           (points->n_num + points->n_cat) * sizeof *points->active);
}

void kernel_init(const struct points *x, const double log_lengths[], double w[],
                 struct kernel *kernel)
{
    for (size_t k = 0; k < x->n_num + x->n_cat; k++) {
        w[k] = exp(-2.0 * log_lengths[k]);
    }
    *kernel =
        (struct kernel){.n_num = x->n_num, .n_cat = x->n_cat, .w_num = w, .w_cat = w + x->n_num};
}

void kernel_scale(const struct kernel *kernel, const struct points *a, double Z[], double norm[])
{
    size_t d = kernel->n_num;

    for (size_t i = 0; i < a->n; i++) {
        const double *u = points_num(a, i);
        double sum = 0.0;
        for (size_t k = 0; k < d; k++) {
            double z = u[k] * sqrt(kernel->w_num[k]);
            Z[i * d + k] = z;
            sum += z * z;
        }
        norm[i] = sum;
    }
}

/* Adds the Hamming distances of the categories to one column of squared distances. */
static void add_hamming(const struct kernel *kernel, const struct points *a, const int32_t code[],
                        double r2[])
{
    for (size_t k = 0; k < kernel->n_cat; k++) {
        double w = kernel->w_cat[k];
        const int32_t *other = a->cat + k;
        for (size_t i = 0; i < a->n; i++) {
            r2[i] += other[i * kernel->n_cat] != code[k] ? w : 0.0;
        }
    }
}

/* For a column of squared distances: r2 ← M52, slope (unless NULL) ← ∂M52/∂(r²). */
ALWAYS_INLINE void matern_column_body(size_t n, double *restrict r2, double *restrict slope)
{
    if (slope == NULL) {
        for (size_t i = 0; i < n; i++) {
            double s = sqrt(5.0 * (r2[i] > 0.0 ? r2[i] : 0.0));
            r2[i] = (1.0 + s + s * s / 3.0) * exp_minus(s);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        double s = sqrt(5.0 * (r2[i] > 0.0 ? r2[i] : 0.0));
        double e = exp_minus(s);
        r2[i] = (1.0 + s + s * s / 3.0) * e;
        slope[i] = -5.0 / 6.0 * (1.0 + s) * e;
    }
}

VECTORISED(matern_column, (size_t n, double r2[], double slope[]), (n, r2, slope))

void kernel_cross(const struct kernel *kernel, const struct scaled_points *a,
                  const struct scaled_points *b, double K[], double S[], size_t ld)
{
    size_t d = kernel->n_num;
    size_t n = a->points->n;
    size_t m = b->points->n;

    linalg_multiply(true, false, n, m, d, -2.0, a->Z, d, b->Z, d, 0.0, K, ld);
    for (size_t j = 0; j < m; j++) {
        double *column = K + j * ld;
        for (size_t i = 0; i < n; i++) {
            column[i] += a->norm[i] + b->norm[j];
        }
        add_hamming(kernel, a->points, points_cat(b->points, j), column);
        matern_column(n, column, S == NULL ? NULL : S + j * ld);
    }
}
