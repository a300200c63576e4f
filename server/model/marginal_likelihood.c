/* Symmetric matrices are stored as lower triangles: the cost of a fit is passes over them. */
#include "server/model/marginal_likelihood.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/contraction.h"
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
    /* of the additive part, made when a theta has one: */
    struct workspace additive_work;
    double *tables, *N, *T; /* N: correlations, T: their derivatives by ln ℓ_a; n × n */
};

/* What one theta means. */
struct covariance_parts {
    struct kernel kernel;
    struct additive additive;
    double signal, noise, share;
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
        workspace_finish(&likelihood->additive_work);
        free(likelihood);
    }
}

static int reserve_additive(struct marginal_likelihood *e, struct err *err)
{
    size_t n = e->x->n;
    size_t n_tables = additive_tables(e->x, n);

    if (e->additive_work.base != NULL) {
        return 0;
    }
    TRY(workspace_init(&e->additive_work, workspace_round(n_tables) + 2 * workspace_round(n * n),
                       err));
    e->tables = workspace_take(&e->additive_work, n_tables);
    e->N = workspace_take(&e->additive_work, n * n);
    e->T = workspace_take(&e->additive_work, n * n);
    return 0;
}

static int read_theta(struct marginal_likelihood *e, const double theta[],
                      struct covariance_parts *parts, struct err *err)
{
    parts->signal = exp(theta[gp_theta_signal(e->x)]);
    parts->noise = exp(theta[gp_theta_noise(e->x)]);
    parts->share = gp_additive_share(e->x, theta);
    kernel_init(e->x, theta, e->w, &parts->kernel);
    additive_init(e->x, theta[gp_theta_additive_length(e->x)], &parts->additive);
    return parts->share > 0.0 ? reserve_additive(e, err) : 0;
}

/* N ← the additive correlations, T ← their derivatives by ln ℓ_a: lower triangles, with more of the
 * panels. */
static void correlate_additive(struct marginal_likelihood *e, const struct additive *additive)
{
    size_t n = e->x->n;

    additive_prepare(additive, e->x, e->tables);
    for (size_t j = 0; j < n; j += COLUMNS) {
        struct points rows = points_part(e->x, j, n - j);
        struct points columns = points_part(e->x, j, n - j < COLUMNS ? n - j : COLUMNS);
        additive_cross(additive, &(struct additive_points){&rows, e->tables + j, n},
                       &(struct additive_points){&columns, e->tables + j, n}, e->N + j * n + j,
                       e->T + j * n + j, n);
    }
    for (size_t i = 0; i < n; i++) {
        e->N[i * n + i] = 1.0;
    }
}

/* M ← correlations of the observations, S ← their derivatives by r²; a panel of columns at a time.
 */
static void correlate(struct marginal_likelihood *e, const struct kernel *kernel)
{
    size_t n = e->x->n;
    size_t d = e->x->n_num;

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
static void fill_covariance(struct marginal_likelihood *e, const struct covariance_parts *parts,
                            double noise)
{
    size_t n = e->x->n;
    double product = parts->signal * (1.0 - parts->share);
    double additive = parts->signal * parts->share;

    for (size_t j = 0; j < n; j++) {
        for (size_t i = j + 1; i < n; i++) {
            e->K[j * n + i] = product * e->M[j * n + i];
        }
        for (size_t i = j + 1; additive > 0.0 && i < n; i++) {
            e->K[j * n + i] += additive * e->N[j * n + i];
        }
        e->K[j * n + j] = parts->signal + noise + (e->extra == NULL ? 0.0 : e->extra[j]);
    }
    for (size_t j = 0; e->polynomial != NULL && j < n; j++) {
        for (size_t i = j; i < n; i++) {
            e->K[j * n + i] += e->polynomial[j * n + i];
        }
    }
}

/* K ← the factor of the covariance at theta. */
static int factorise(struct marginal_likelihood *e, const double theta[],
                     struct covariance_parts *parts, struct err *err)
{
    double jitter;

    TRY(read_theta(e, theta, parts, err));
    correlate(e, &parts->kernel);
    if (parts->share > 0.0) {
        correlate_additive(e, &parts->additive);
    }
    for (int k = 0; (jitter = linalg_jitter(k, parts->signal + parts->noise)) >= 0.0; k++) {
        fill_covariance(e, parts, parts->noise + jitter);
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

/* K holds K⁻¹; S becomes what is summed for the length scales. */
static void fill_gradient(struct marginal_likelihood *e, const struct covariance_parts *parts,
                          double gradient[])
{
    size_t n = e->x->n;
    size_t d = e->x->n_num;
    double a = parts->share;
    double trace;
    double GN = 0.0;
    double GT = 0.0;

    const struct contraction contraction = {n, e->K, e->alpha};
    double GM =
        contract_and_scale(&contraction, parts->signal * (1.0 - a), e->M, e->S, e->sums, &trace);
    if (a > 0.0) {
        contract_two(&contraction, e->N, e->T, &GN, &GT);
        GN += trace; /* the diagonal of N is 1, that of T is 0 */
    }
    gradient[gp_theta_signal(e->x)] = -parts->signal * ((1.0 - a) * GM + a * GN);
    gradient[gp_theta_noise(e->x)] = -parts->noise * trace;
    gradient[gp_theta_share(e->x)] = -parts->signal * a * (1.0 - a) * (GN - GM);
    gradient[gp_theta_additive_length(e->x)] = -parts->signal * a * GT;
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
    struct covariance_parts parts;
    double log_det = 0.0;

    TRY(factorise(e, theta, &parts, err));
    for (size_t i = 0; i < n; i++) {
        log_det += log(e->K[i * n + i]);
    }
    double quadratic = solve_residuals(e);
    if (gradient != NULL) {
        TRY(linalg_inverse(n, e->K, n, err));
        fill_gradient(e, &parts, gradient);
    }
    *log_p = -0.5 * quadratic - log_det - 0.5 * (double)n * ln_2pi;
    return 0;
}

int marginal_likelihood_leave_one_out(struct marginal_likelihood *likelihood, const double theta[],
                                      double mean[], double var[], struct err *err)
{
    struct marginal_likelihood *e = likelihood;
    size_t n = e->x->n;
    struct covariance_parts parts;

    TRY(factorise(e, theta, &parts, err));
    (void)solve_residuals(e);
    TRY(linalg_inverse(n, e->K, n, err));
    for (size_t i = 0; i < n; i++) {
        var[i] = 1.0 / e->K[i * n + i];
        mean[i] = e->y[i] - e->alpha[i] * var[i];
    }
    return 0;
}
