#include "server/model/additive.h"

#include <math.h>
#include <string.h>

#include "server/model/exp.h"
#include "server/model/vectorised.h"

enum { ROWS = 3, LANES = 8 };

static const double sqrt_3 = 1.7320508075688772;

void additive_init(const struct points *x, double log_length, struct additive *additive)
{
    double s = sqrt(5.0) * exp(-log_length);
    double e = exp(-s);

    *additive = (struct additive){.n_num = x->n_num,
                                  .n_cat = x->n_cat,
                                  .rate = s,
                                  .mismatch = (1.0 + s + s * s / 3.0) * e,
                                  .mismatch_slope = s * s * (1.0 + s) * e / 3.0};
}

size_t additive_tables(const struct points *x, size_t n)
{
    return (ROWS * x->n_num + x->n_cat) * n;
}

/* From s u in the first row and g in the second: g e^{−su}, g e^{su}, and s u/√3 in the first. */
ALWAYS_INLINE void fill_rows_body(size_t n, double *restrict row, double *restrict falling,
                                  double *restrict rising)
{
    for (size_t i = 0; i < n; i++) {
        double e = exp_minus(row[i]);
        rising[i] = falling[i] / e;
        falling[i] *= e;
        row[i] /= sqrt_3;
    }
}

VECTORISED(fill_rows, (size_t n, double row[], double falling[], double rising[]),
           (n, row, falling, rising))

/* The root of the weight of each term of a point: the terms of its active parameters share equally.
 */
static double weight_of_term(const bool active[], size_t n)
{
    size_t n_active = 0;

    for (size_t k = 0; k < n; k++) {
        n_active += active[k];
    }
    return 1.0 / sqrt((double)(n_active == 0 ? 1 : n_active));
}

void additive_prepare(const struct additive *additive, const struct points *x, double tables[])
{
    size_t n = x->n;
    size_t d = additive->n_num;

    for (size_t i = 0; i < n; i++) {
        const bool *active = points_active(x, i);
        double g = weight_of_term(active, d + additive->n_cat);
        for (size_t k = 0; k < d; k++) {
            double *row = tables + ROWS * k * n;
            row[i] = additive->rate * x->num[i * d + k];
            row[n + i] = active[k] ? g : 0.0;
        }
        for (size_t k = 0; k < additive->n_cat; k++) {
            tables[(ROWS * d + k) * n + i] = active[d + k] ? g : 0.0;
        }
    }
    for (size_t k = 0; k < d; k++) {
        double *row = tables + ROWS * k * n;
        fill_rows(n, row, row + n, row + 2 * n);
    }
}

/* The rows of one number, from one point on. */
struct number_rows {
    const double *position, *falling, *rising;
};

ALWAYS_INLINE struct number_rows rows_of(const struct additive_points *a, size_t k, size_t i)
{
    const double *row = a->tables + ROWS * k * a->ld + i;

    return (struct number_rows){row, row + a->ld, row + 2 * a->ld};
}

/* One number of the point that a column belongs to. */
struct position {
    double at, falling, rising;
};

ALWAYS_INLINE struct position position_of(const struct additive_points *b, size_t k, size_t j,
                                          double weight)
{
    struct number_rows rows = rows_of(b, k, j);

    return (struct position){*rows.position, weight * *rows.falling, weight * *rows.rising};
}

/* The weight times e^{−t} between the i-th point of the rows and a position. */
ALWAYS_INLINE double decay(const struct number_rows *a, size_t i, const struct position *b)
{
    double up = a->falling[i] * b->rising;
    double down = a->rising[i] * b->falling;

    return up < down ? up : down;
}

/* The weight times M52, with t = √3 s: 1 + t + t²/3 = 1 + s (√3 + s). */
ALWAYS_INLINE double matern(const struct number_rows *a, size_t i, const struct position *b)
{
    double s = fabs(a->position[i] - b->at);

    return (1.0 + s * (sqrt_3 + s)) * decay(a, i, b);
}

/* s (1 + t) e^{−t}, with the sign of u' − u. */
ALWAYS_INLINE double slope(const struct number_rows *a, size_t i, const struct position *b)
{
    double s = b->at - a->position[i];

    return s * (1.0 + sqrt_3 * fabs(s)) * decay(a, i, b);
}

/* K (n) ← keep K + weight × the sum over all numbers; two of them in one pass over the column. */
ALWAYS_INLINE void add_numbers_body(const struct additive *additive, struct mixture mixture,
                                    const struct additive_points *a,
                                    const struct additive_points *b, size_t j, double *restrict K)
{
    size_t n = a->points->n;
    size_t k = 0;
    double keep = mixture.keep;

    for (; k + 2 <= additive->n_num; k += 2) {
        struct number_rows first = rows_of(a, k, 0);
        struct number_rows second = rows_of(a, k + 1, 0);
        struct position of_first = position_of(b, k, j, mixture.weight);
        struct position of_second = position_of(b, k + 1, j, mixture.weight);
        for (size_t i = 0; i < n; i++) {
            K[i] = keep * K[i] + (matern(&first, i, &of_first) + matern(&second, i, &of_second));
        }
        keep = 1.0;
    }
    for (; k < additive->n_num; k++) {
        struct number_rows rows = rows_of(a, k, 0);
        struct position position = position_of(b, k, j, mixture.weight);
        for (size_t i = 0; i < n; i++) {
            K[i] = keep * K[i] + matern(&rows, i, &position);
        }
        keep = 1.0;
    }
}

/* The weight times ∂M52/∂ln ℓ_a = t²(1 + t)/3 e^{−t}; *value ← that of M52. */
ALWAYS_INLINE double matern_and_slope(const struct number_rows *a, size_t i,
                                      const struct position *b, double *value)
{
    double s = fabs(a->position[i] - b->at);
    double e = decay(a, i, b);

    *value = (1.0 + s * (sqrt_3 + s)) * e;
    return s * s * (1.0 + sqrt_3 * s) * e;
}

/* K (n) += weight × the sum, T (n) += weight × its derivative by ln ℓ_a. */
ALWAYS_INLINE void add_numbers_with_slopes_body(const struct additive *additive, double weight,
                                                const struct additive_points *a,
                                                const struct additive_points *b, size_t j,
                                                double *restrict K, double *restrict T)
{
    size_t n = a->points->n;
    size_t k = 0;
    double value;
    double value_2;

    for (; k + 2 <= additive->n_num; k += 2) {
        struct number_rows first = rows_of(a, k, 0);
        struct number_rows second = rows_of(a, k + 1, 0);
        struct position of_first = position_of(b, k, j, weight);
        struct position of_second = position_of(b, k + 1, j, weight);
        for (size_t i = 0; i < n; i++) {
            T[i] += matern_and_slope(&first, i, &of_first, &value)
                    + matern_and_slope(&second, i, &of_second, &value_2);
            K[i] += value + value_2;
        }
    }
    for (; k < additive->n_num; k++) {
        struct number_rows rows = rows_of(a, k, 0);
        struct position position = position_of(b, k, j, weight);
        for (size_t i = 0; i < n; i++) {
            T[i] += matern_and_slope(&rows, i, &position, &value);
            K[i] += value;
        }
    }
}

/* gradient (n_num) += weight × Σ_i C_i ∂M52/∂u', which is −(rate/√3) s (1 + t) e^{−t}. */
ALWAYS_INLINE void add_slopes_body(const struct additive *additive, double weight,
                                   const struct additive_points *a, const struct additive_points *b,
                                   size_t j, const double *restrict C, double *restrict gradient)
{
    size_t n = a->points->n;

    for (size_t k = 0; k < additive->n_num; k++) {
        struct number_rows rows = rows_of(a, k, 0);
        struct position position = position_of(b, k, j, 1.0);
        double sum[LANES] = {0.0};
        size_t i = 0;
        for (; i + LANES <= n; i += LANES) {
            for (size_t l = 0; l < LANES; l++) {
                sum[l] += C[i + l] * slope(&rows, i + l, &position);
            }
        }
        for (; i < n; i++) {
            sum[0] += C[i] * slope(&rows, i, &position);
        }
        gradient[k] -=
            weight * additive->rate / sqrt_3
            * (((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7])));
    }
}

VECTORISED(add_numbers,
           (const struct additive *additive, struct mixture mixture,
            const struct additive_points *a, const struct additive_points *b, size_t j, double K[]),
           (additive, mixture, a, b, j, K))
VECTORISED(add_numbers_with_slopes,
           (const struct additive *additive, double weight, const struct additive_points *a,
            const struct additive_points *b, size_t j, double K[], double T[]),
           (additive, weight, a, b, j, K, T))
VECTORISED(add_slopes,
           (const struct additive *additive, double weight, const struct additive_points *a,
            const struct additive_points *b, size_t j, const double C[], double gradient[]),
           (additive, weight, a, b, j, C, gradient))

/* K (n) ← keep K + one category's weights times what belongs to equal or to different ones. */
static void add_category(double keep, double equal, double different,
                         const struct additive_points *a, const struct additive_points *b, size_t j,
                         size_t k, double K[])
{
    size_t d = a->points->n_num;
    const int32_t *other = a->points->cat + k;
    const double *g = a->tables + (ROWS * d + k) * a->ld;
    int32_t code = points_cat(b->points, j)[k];
    double own = b->tables[(ROWS * d + k) * b->ld + j];

    for (size_t i = 0; i < a->points->n; i++) {
        K[i] = keep * K[i] + own * g[i] * (other[i * a->points->n_cat] == code ? equal : different);
    }
}

void additive_mix(const struct additive *additive, struct mixture mixture,
                  const struct additive_points *a, const struct additive_points *b, double K[],
                  size_t ld)
{
    for (size_t j = 0; j < b->points->n; j++) {
        double *column = K + j * ld;
        double keep = additive->n_num > 0 ? 1.0 : mixture.keep;
        if (additive->n_num > 0) {
            add_numbers(additive, mixture, a, b, j, column);
        }
        for (size_t k = 0; k < additive->n_cat; k++) {
            add_category(keep, mixture.weight, mixture.weight * additive->mismatch, a, b, j, k,
                         column);
            keep = 1.0;
        }
    }
}

void additive_cross(const struct additive *additive, const struct additive_points *a,
                    const struct additive_points *b, double K[], double T[], size_t ld)
{
    size_t n = a->points->n;

    for (size_t j = 0; j < b->points->n; j++) {
        double *column = K + j * ld;
        double *slopes = T + j * ld;
        memset(column, 0, n * sizeof *column);
        memset(slopes, 0, n * sizeof *slopes);
        add_numbers_with_slopes(additive, 1.0, a, b, j, column, slopes);
        for (size_t k = 0; k < additive->n_cat; k++) {
            add_category(1.0, 1.0, additive->mismatch, a, b, j, k, column);
            add_category(1.0, 0.0, additive->mismatch_slope, a, b, j, k, slopes);
        }
    }
}

void additive_add_gradient(const struct additive *additive, double weight,
                           const struct additive_points *a, const struct additive_points *b,
                           const double C[], double gradient[])
{
    for (size_t j = 0; j < b->points->n; j++) {
        add_slopes(additive, weight, a, b, j, C + j * a->points->n, gradient + j * additive->n_num);
    }
}
