/* The evidence of hyper-parameters. Symmetric matrices are lower triangles throughout: what a fit
 * costs is passes over them. */
#include "server/model/gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/drift.h"
#include "server/model/linalg.h"

enum { COLUMNS = 64 }; /* of a triangle whose covariances are made at a time */

static const double ln_2pi = 1.8378770664093454836;

struct gp_evidence {
    const struct points *x;
    const double *y, *extra;
    enum gp_mean mean;
    struct workspace work;
    double *w, *Z, *norm, *M, *S, *K, *alpha, *sums, *CZ;
    double *drift; /* its covariance, n × n; NULL without one */
};

/* drift ← its covariance, which no theta changes. */
static int take_drift(struct gp_evidence *e, size_t n_features, struct err *err)
{
    size_t n = e->x->n;
    OWN(workspace) struct workspace scratch = {0};

    TRY(workspace_init(&scratch, workspace_round(n_features * n), err));
    double *phi = workspace_take(&scratch, n_features * n);
    e->drift = workspace_take(&e->work, n * n);
    drift_features(e->x, phi);
    drift_add(n_features, 1.0, n, phi, n, phi, e->drift, n);
    return 0;
}

int gp_evidence_create(const struct points *x, const double y[], const double extra[],
                       enum gp_mean mean, struct gp_evidence **evidence, struct err *err)
{
    OWN(gp_evidence) struct gp_evidence *e = calloc(1, sizeof *e);
    size_t n = x->n;
    size_t d = x->n_num;

    if (e == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    e->x = x;
    e->y = y;
    e->extra = extra;
    e->mean = mean;
    size_t n_features = mean == GP_MEAN_DRIFT ? drift_n_features(x) : 0;
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
    e->alpha = workspace_take(&e->work, 2 * n); /* and L⁻¹ of ones behind it */
    e->sums = workspace_take(&e->work, n);
    e->CZ = workspace_take(&e->work, n * d);
    if (n_features > 0) {
        TRY(take_drift(e, n_features, err));
    }
    *evidence = e;
    e = NULL;
    return 0;
}

size_t gp_evidence_n(const struct gp_evidence *evidence)
{
    return evidence->x->n;
}

void gp_evidence_destroy(struct gp_evidence *evidence)
{
    if (evidence != NULL) {
        workspace_finish(&evidence->work);
        free(evidence);
    }
}

/* M ← correlations of the observations and S ← their slopes by r², a panel of columns at a time. */
static void correlate(struct gp_evidence *e, const double theta[], struct kernel *kernel)
{
    size_t n = e->x->n;
    size_t d = e->x->n_num;

    kernel_take(e->x, theta, e->w, kernel);
    kernel_scale(kernel, e->x, e->Z, e->norm);
    for (size_t j = 0; j < n; j += COLUMNS) {
        struct points rows = points_part(e->x, j, n - j);
        struct points columns = points_part(e->x, j, n - j < COLUMNS ? n - j : COLUMNS);
        kernel_cross(kernel, &rows, e->Z + j * d, e->norm + j, &columns, e->Z + j * d, e->norm + j,
                     e->M + j * n + j, e->S + j * n + j, n);
    }
    for (size_t i = 0; i < n; i++) {
        e->M[i * n + i] = 1.0;
    }
}

/* K ← the covariance, with what jitter adds to its diagonal. */
static void cover(struct gp_evidence *e, double signal, double noise)
{
    size_t n = e->x->n;

    for (size_t j = 0; j < n; j++) {
        for (size_t i = j + 1; i < n; i++) {
            e->K[j * n + i] = signal * e->M[j * n + i];
        }
        e->K[j * n + j] = signal + noise + (e->extra == NULL ? 0.0 : e->extra[j]);
    }
    for (size_t j = 0; e->drift != NULL && j < n; j++) {
        for (size_t i = j; i < n; i++) {
            e->K[j * n + i] += e->drift[j * n + i];
        }
    }
}

/* K ← the factor of the covariance at theta. */
static int build(struct gp_evidence *e, const double theta[], struct kernel *kernel,
                 struct err *err)
{
    size_t d = e->x->n_num + e->x->n_cat;
    double signal = exp(theta[d]);
    double noise = exp(theta[d + 1]);
    double jitter;

    correlate(e, theta, kernel);
    for (int k = 0; (jitter = linalg_jitter(k, signal + noise)) >= 0.0; k++) {
        cover(e, signal, noise + jitter);
        if (linalg_factor(e->x->n, e->K, e->x->n)) {
            return 0;
        }
    }
    return err_set(err, ERR_NUMERIC, "a covariance of %zu points is not positive definite",
                   e->x->n);
}

/* alpha ← K⁻¹(y − m) from the factor in K; returns (y − m)ᵀ K⁻¹ (y − m). */
static double weigh(struct gp_evidence *e)
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

/* From K⁻¹ in K: its sensitivity G = ½(K⁻¹ − αα ᵀ) = −∂ log p/∂K contracted with the rest.
 * S ← G × σ_f² × ∂M52/∂(r²), zero on the diagonal; sums ← its row sums. Returns Σ G M, and the
 * trace of G. */
static double contract(struct gp_evidence *e, double signal, double *trace)
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
static double hamming_sum(const struct gp_evidence *e, size_t k)
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

static void fill_gradient(struct gp_evidence *e, const double theta[], double gradient[])
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

int gp_log_evidence(struct gp_evidence *evidence, const double theta[], double *log_p,
                    double gradient[], struct err *err)
{
    struct gp_evidence *e = evidence;
    size_t n = e->x->n;
    struct kernel kernel;
    double log_det = 0.0;

    TRY(build(e, theta, &kernel, err));
    for (size_t i = 0; i < n; i++) {
        log_det += log(e->K[i * n + i]);
    }
    double quadratic = weigh(e);
    if (gradient != NULL) {
        TRY(linalg_inverse(n, e->K, n, err));
        fill_gradient(e, theta, gradient);
    }
    *log_p = -0.5 * quadratic - log_det - 0.5 * (double)n * ln_2pi;
    return 0;
}

int gp_leave_one_out(struct gp_evidence *evidence, const double theta[], double mean[],
                     double var[], struct err *err)
{
    struct gp_evidence *e = evidence;
    size_t n = e->x->n;
    struct kernel kernel;

    TRY(build(e, theta, &kernel, err));
    (void)weigh(e);
    TRY(linalg_inverse(n, e->K, n, err));
    for (size_t i = 0; i < n; i++) {
        var[i] = 1.0 / e->K[i * n + i];
        mean[i] = e->y[i] - e->alpha[i] * var[i];
    }
    return 0;
}
