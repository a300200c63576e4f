#include "server/model/polynomial.h"

#include <math.h>

#include "server/model/linalg.h"

static const double total_variance =
    0.3; /* of the linear coefficients, and of the quadratic ones */
static const double linear = 3.4641016151377544;    /* √12: variance 1 over the unit interval */
static const double quadratic = 6.7082039324993694; /* 3√5: likewise */

size_t polynomial_n_features(const struct points *x)
{
    return 2 * x->n_num;
}

/* The standard deviation of one coefficient. */
static double coefficient_sd(size_t n_num)
{
    return sqrt(total_variance / (double)n_num);
}

void polynomial_features(const struct points *x, double phi[])
{
    double scale = x->n_num == 0 ? 0.0 : coefficient_sd(x->n_num);

    for (size_t i = 0; i < x->n * x->n_num; i++) {
        double c = x->num[i] - 0.5;
        phi[2 * i] = scale * linear * c;
        phi[2 * i + 1] = scale * quadratic * c * c;
    }
}

void polynomial_add_covariance(double scale, const struct features *a, const struct features *b,
                               double K[], size_t ld)
{
    size_t f = a->n_features;

    if (f > 0 && a->n > 0 && b->n > 0) {
        linalg_multiply(true, false, a->n, b->n, f, scale, a->phi, f, b->phi, f, 1.0, K, ld);
    }
}

double polynomial_variance(size_t n_features, const double phi[])
{
    double sum = 0.0;

    for (size_t f = 0; f < n_features; f++) {
        sum += phi[f] * phi[f];
    }
    return sum;
}

void polynomial_add_gradient(size_t n_num, const double u[], const double h[], double gradient[])
{
    for (size_t k = 0; k < n_num; k++) {
        double c = u[k] - 0.5;
        gradient[k] +=
            coefficient_sd(n_num) * (linear * h[2 * k] + 2.0 * quadratic * c * h[2 * k + 1]);
    }
}
