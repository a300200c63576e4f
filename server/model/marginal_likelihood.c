/* Symmetric matrices are stored as lower triangles: the cost of a fit is passes over them. */
#include "server/model/marginal_likelihood.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/linalg.h"
#include "server/model/polynomial.h"

enum { COLUMNS = 64 }; /* of a triangle that are computed at a time */

static const double ln_2pi = 1.8378770664093454836;

struct marginal_likelihood {
    const struct points *x;
    const double *y, *extra;
    enum gp_mean mean;
    struct workspace work;
    double *w, *Z, *norm, *M, *S, *K, *alpha, *sums, *CZ;
    double *polynomial; /* covariance of the polynomial mean, n × n; NULL: none */
};

/* Computes the covariance of the polynomial, which does not depend on theta. */
static int add_polynomial(struct marginal_likelihood *e, size_t n_features, struct err *err)
{
    size_t n = e->x->n;
    OWN(workspace) struct workspace scratch = {0};

    TRY(workspace_init(&scratch, workspace_round(n_features * n), err));
    double *phi = workspace_take(&scratch, n_features * n);
    e->polynomial = workspace_take(&e->work, n * n);
    polynomial_features(e->x, phi);
    struct features features = {n_features, n, phi};
    polynomial_add_covariance(1.0, &features, &features, e->polynomial, n);
    return 0;
}

int marginal_likelihood_create(const struct points *x, const double y[], const double extra[],
                               enum gp_mean mean, struct marginal_likelihood **likelihood,
                               struct err *err)
{
    OWN(marginal_likelihood) struct marginal_likelihood *e = calloc(1, sizeof *e);
    size_t n = x->n;
    size_t d = x->n_num;

    if (e == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    e->x = x;
    e->y = y;
    e->extra = extra;
    e->mean = mean;
    size_t n_features = mean == GP_MEAN_POLYNOMIAL ? polynomial_n_features(x) : 0;
    TRY(workspace_init(&e->work,
                       (n_features > 0 ? 4 : 3) * workspace_round(n * n)
                           + 2 * workspace_round(n * d) + 2 * workspace_round(n)
                           + workspace_round(2 * n) + workspace_round(d + x->n_cat),
                       err));
    e->w = workspace_take(&e->work, d + x->n_cat);
    e->Z = workspace_take(&e->work, n * d);
    e->norm = workspace_take(&e->work, n);
    e->M = workspace_take(&e->work, n * n);
    e->S = workspace_take(&e->work, n * n);
    e->K = workspace_take(&e->work, n * n);
    e->alpha = workspace_take(&e->work, 2 * n); /* then L⁻¹ 1 */
    e->sums = workspace_take(&e->work, n);
    e->CZ = workspace_take(&e->work, n * d);
    if (n_features > 0) {
        TRY(add_polynomial(e, n_features, err));
    }
    *likelihood = e;
    e = NULL;
    return 0;
}

size_t marginal_likelihood_n_points(const struct marginal_likelihood *likelihood)
{
    return likelihood->x->n;
}

void marginal_likelihood_destroy(struct marginal_likelihood *likelihood)
{
    if (likelihood != NULL) {
        workspace_finish(&likelihood->work);
        free(likelihood);
    }
}

/* M ← correlations of the observations, S ← their derivatives by r²; a panel of columns at a time.
 */
static void correlate(struct marginal_likelihood *e, const double theta[], struct kernel *kernel)
{
    size_t n = e->x->n;
    size_t d = e->x->n_num;

    kernel_init(e->x, theta, e->w, kernel);
    kernel_scale(kernel, e->x, e->Z, e->norm);
    for (size_t j = 0; j < n; j += COLUMNS) {
        struct points rows = points_part(e->x, j, n - j);
        struct points columns = points_part(e->x, j, n - j < COLUMNS ? n - j : COLUMNS);
        kernel_cross(kernel, &(struct scaled_points){&rows, e->Z + j * d, e->norm + j},
                     &(struct scaled_points){&columns, e->Z + j * d, e->norm + j}, e->M + j * n + j,
                     e->S + j * n + j, n);
    }
    for (size_t i = 0; i < n; i++) {
        e->M[i * n + i] = 1.0;
    }
}

/* K ← the covariance; `noise` includes the jitter. */
static void fill_covariance(struct marginal_likelihood *e, double signal, double noise)
{
    size_t n = e->x->n;

    for (size_t j = 0; j < n; j++) {
        for (size_t i = j + 1; i < n; i++) {
            e->K[j * n + i] = signal * e->M[j * n + i];
        }
        e->K[j * n + j] = signal + noise + (e->extra == NULL ? 0.0 : e->extra[j]);
    }
    for (size_t j = 0; e->polynomial != NULL && j < n; j++) {
        for (size_t i = j; i < n; i++) {
            e->K[j * n + i] += e->polynomial[j * n + i];
        }
    }
}

/* K ← the factor of the covariance at theta. */
static int factorise(struct marginal_likelihood *e, const double theta[], struct kernel *kernel,
                     struct err *err)
{
    size_t d = e->x->n_num + e->x->n_cat;
    double signal = exp(theta[d]);
    double noise = exp(theta[d + 1]);
    double jitter;

    correlate(e, theta, kernel);
    for (int k = 0; (jitter = linalg_jitter(k, signal + noise)) >= 0.0; k++) {
        fill_covariance(e, signal, noise + jitter);
        if (linalg_factor(e->x->n, e->K, e->x->n)) {
            return 0;
        }
    }
    return err_set(err, ERR_NUMERIC, "a covariance of %zu points is not positive definite",
                   e->x->n);
}

/* alpha ← K⁻¹(y − m) from the factor in K; returns (y − m)ᵀ K⁻¹ (y − m). */
static double solve_residuals(struct marginal_likelihood *e)
{
    size_t n = e->x->n;
    double *ones = e->alpha + n;

    for (size_t i = 0; i < n; i++) {
        ones[i] = 1.0;
        e->alpha[i] = e->y[i];
    }
    linalg_solve_lower(n, e->K, n, 2, e->alpha, n);
    double m =
        e->mean == GP_MEAN_ZERO ? 0.0 : linalg_dot(n, ones, e->alpha) / linalg_dot(n, ones, ones);
    for (size_t i = 0; i < n; i++) {
        e->alpha[i] -= m * ones[i];
    }
    double quadratic = linalg_dot(n, e->alpha, e->alpha);
    linalg_solve_upper(n, e->K, n, 1, e->alpha, n);
    return quadratic;
}

/* With K⁻¹ in K and G = ½(K⁻¹ − ααᵀ) = −∂ log p/∂K: S ← G × σ_f² × ∂M52/∂(r²), zero on the
 * diagonal; sums ← its row sums. Returns Σ G M; *trace ← the trace of G. */
static double contract(struct marginal_likelihood *e, double signal, double *trace)
{
    size_t n = e->x->n;
    double sum_GM = 0.0;

    *trace = 0.0;
    memset(e->sums, 0, n * sizeof *e->sums);
    for (size_t j = 0; j < n; j++) {
        const double *K = e->K + j * n;
        const double *M = e->M + j * n;
        const double *alpha = e->alpha;
        double *restrict S = e->S + j * n;
        double *restrict sums = e->sums;
        double GM[4] = {0.0, 0.0, 0.0, 0.0};
        double column[4] = {0.0, 0.0, 0.0, 0.0};
        double own = alpha[j];
        double diagonal = 0.5 * (K[j] - own * own);
        size_t i = j + 1;

        for (; i + 4 <= n; i += 4) {
            for (size_t k = 0; k < 4; k++) {
                double G = 0.5 * (K[i + k] - own * alpha[i + k]);
                double s = signal * G * S[i + k];
                GM[k] += G * M[i + k];
                S[i + k] = s;
                sums[i + k] += s;
                column[k] += s;
            }
        }
        for (; i < n; i++) {
            double G = 0.5 * (K[i] - own * alpha[i]);
            double s = signal * G * S[i];
            GM[0] += G * M[i];
            S[i] = s;
            sums[i] += s;
            column[0] += s;
        }
        S[j] = 0.0;
        sums[j] += (column[0] + column[1]) + (column[2] + column[3]);
        sum_GM += 2.0 * ((GM[0] + GM[1]) + (GM[2] + GM[3])) + diagonal;
        *trace += diagonal;
    }
    return sum_GM;
}

/* Σ_jk S_jk [c_j ≠ c_k] of one category. */
static double hamming_sum(const struct marginal_likelihood *e, size_t k)
{
    size_t n = e->x->n;
    double sum = 0.0;

    for (size_t j = 0; j < n; j++) {
        int32_t code = points_cat(e->x, j)[k];
        for (size_t i = j + 1; i < n; i++) {
            sum += points_cat(e->x, i)[k] != code ? e->S[j * n + i] : 0.0;
        }
    }
    return 2.0 * sum;
}

static void fill_gradient(struct marginal_likelihood *e, const double theta[], double gradient[])
{
    size_t n = e->x->n;
    size_t d = e->x->n_num;
    size_t all = d + e->x->n_cat;
    double signal = exp(theta[all]);
    double noise = exp(theta[all + 1]);
    double trace;

    gradient[all] = -signal * contract(e, signal, &trace);
    gradient[all + 1] = -noise * trace;
    /* ∂r²/∂ln ℓ = −2 (Δ/ℓ)²; Σ_jk S_jk (z_j − z_k)² = 2 Σ_j z_j² sums_j − 2 Σ_j z_j (Sz)_j */
    linalg_multiply_symmetric(d, n, e->Z, d, e->S, n, e->CZ, d);
    for (size_t k = 0; k < d; k++) {
        double sum = 0.0;
        for (size_t j = 0; j < n; j++) {
            double z = e->Z[j * d + k];
            sum += z * (z * e->sums[j] - e->CZ[j * d + k]);
        }
        gradient[k] = 4.0 * sum;
    }
    for (size_t k = 0; k < e->x->n_cat; k++) {
        gradient[d + k] = 2.0 * e->w[d + k] * hamming_sum(e, k);
    }
}

int marginal_likelihood_log(struct marginal_likelihood *likelihood, const double theta[],
                            double *log_p, double gradient[], struct err *err)
{
    struct marginal_likelihood *e = likelihood;
    size_t n = e->x->n;
    struct kernel kernel;
    double log_det = 0.0;

    TRY(factorise(e, theta, &kernel, err));
    for (size_t i = 0; i < n; i++) {
        log_det += log(e->K[i * n + i]);
    }
    double quadratic = solve_residuals(e);
    if (gradient != NULL) {
        TRY(linalg_inverse(n, e->K, n, err));
        fill_gradient(e, theta, gradient);
    }
    *log_p = -0.5 * quadratic - log_det - 0.5 * (double)n * ln_2pi;
    return 0;
}

int marginal_likelihood_leave_one_out(struct marginal_likelihood *likelihood, const double theta[],
                                      double mean[], double var[], struct err *err)
{
    struct marginal_likelihood *e = likelihood;
    size_t n = e->x->n;
    struct kernel kernel;

    TRY(factorise(e, theta, &kernel, err));
    (void)solve_residuals(e);
    TRY(linalg_inverse(n, e->K, n, err));
    for (size_t i = 0; i < n; i++) {
        var[i] = 1.0 / e->K[i * n + i];
        mean[i] = e->y[i] - e->alpha[i] * var[i];
    }
    return 0;
}
