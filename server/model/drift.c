#include "server/model/drift.h"

#include <math.h>

#include "server/model/linalg.h"

static const double variance = 0.3;
static const double slope = 3.4641016151377544; /* √12: a variance of 1 over the unit interval */
static const double bend = 6.7082039324993694;  /* 3√5 */

size_t drift_n_features(const struct points *x)
{
    return 2 * x->n_num;
}

static double share(size_t n_num)
{
    return sqrt(variance / (double)n_num);
}

void drift_features(const struct points *x, double phi[])
{
    double scale = x->n_num == 0 ? 0.0 : share(x->n_num);

    for (size_t i = 0; i < x->n * x->n_num; i++) {
        double c = x->num[i] - 0.5;
        phi[2 * i] = scale * slope * c;
        phi[2 * i + 1] = scale * bend * c * c;
    }
}

void drift_add(size_t n_features, double scale, size_t n_a, const double phi_a[], size_t n_b,
               const double phi_b[], double K[], size_t ld)
{
    if (n_features > 0 && n_a > 0 && n_b > 0) {
        linalg_multiply(true, false, n_a, n_b, n_features, scale, phi_a, n_features, phi_b,
                        n_features, 1.0, K, ld);
    }
}

double drift_variance(size_t n_features, const double phi[])
{
    double sum = 0.0;

    for (size_t f = 0; f < n_features; f++) {
        sum += phi[f] * phi[f];
    }
    return sum;
}

void drift_gradient(size_t n_num, const double u[], const double h[], double gradient[])
{
    for (size_t k = 0; k < n_num; k++) {
        double c = u[k] - 0.5;
        gradient[k] += share(n_num) * (slope * h[2 * k] + 2.0 * bend * c * h[2 * k + 1]);
    }
}
