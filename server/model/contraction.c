#include "server/model/contraction.h"

#include <string.h>

#include "server/model/vectorised.h"

enum { LANES = 8 };

ALWAYS_INLINE double sum_lanes(const double lanes[LANES])
{
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
           + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/* One column below its diagonal: *GM ← Σ G M, *total ← the sum of the new S. */
ALWAYS_INLINE void scale_column_body(const struct contraction *c, size_t j, double factor,
                                     const double *restrict M, double *restrict S,
                                     double *restrict sums, double *GM, double *total)
{
    const double *inverse = c->inverse + j * c->n;
    const double *alpha = c->alpha;
    double own = alpha[j];
    double of_M[LANES] = {0.0};
    double of_S[LANES] = {0.0};
    size_t i = j + 1;

    for (; i + LANES <= c->n; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            double G = 0.5 * (inverse[i + l] - own * alpha[i + l]);
            double s = factor * G * S[i + l];
            of_M[l] += G * M[i + l];
            S[i + l] = s;
            sums[i + l] += s;
            of_S[l] += s;
        }
    }
    for (; i < c->n; i++) {
        double G = 0.5 * (inverse[i] - own * alpha[i]);
        double s = factor * G * S[i];
        of_M[0] += G * M[i];
        S[i] = s;
        sums[i] += s;
        of_S[0] += s;
    }
    *GM = sum_lanes(of_M);
    *total = sum_lanes(of_S);
}

VECTORISED(scale_column,
           (const struct contraction *c, size_t j, double factor, const double M[], double S[],
            double sums[], double *GM, double *total),
           (c, j, factor, M, S, sums, GM, total))

double contract_and_scale(const struct contraction *contraction, double factor, const double M[],
                          double S[], double sums[], double *trace)
{
    size_t n = contraction->n;
    double sum = 0.0;

    *trace = 0.0;
    memset(sums, 0, n * sizeof *sums);
    for (size_t j = 0; j < n; j++) {
        double own = contraction->alpha[j];
        double diagonal = 0.5 * (contraction->inverse[j * n + j] - own * own);
        double GM;
        double total;
        scale_column(contraction, j, factor, M + j * n, S + j * n, sums, &GM, &total);
        S[j * n + j] = 0.0;
        sums[j] += total;
        sum += 2.0 * GM + diagonal;
        *trace += diagonal;
    }
    return sum;
}

ALWAYS_INLINE void contract_both_body(const struct contraction *c, const double *restrict N,
                                      const double *restrict T, double *GN, double *GT)
{
    double of_N[LANES] = {0.0};
    double of_T[LANES] = {0.0};

    for (size_t j = 0; j < c->n; j++) {
        const double *inverse = c->inverse + j * c->n;
        const double *alpha = c->alpha;
        const double *n_column = N + j * c->n;
        const double *t_column = T + j * c->n;
        double own = alpha[j];
        size_t i = j + 1;
        for (; i + LANES <= c->n; i += LANES) {
            for (size_t l = 0; l < LANES; l++) {
                double G = inverse[i + l] - own * alpha[i + l];
                of_N[l] += G * n_column[i + l];
                of_T[l] += G * t_column[i + l];
            }
        }
        for (; i < c->n; i++) {
            double G = inverse[i] - own * alpha[i];
            of_N[0] += G * n_column[i];
            of_T[0] += G * t_column[i];
        }
    }
    *GN = sum_lanes(of_N);
    *GT = sum_lanes(of_T);
}

VECTORISED(contract_both,
           (const struct contraction *c, const double N[], const double T[], double *GN,
            double *GT),
           (c, N, T, GN, GT))

void contract_two(const struct contraction *contraction, const double N[], const double T[],
                  double *GN, double *GT)
{
    contract_both(contraction, N, T, GN, GT);
}
