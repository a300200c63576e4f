#include "server/model/hypervolume_improvement.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/normal.h"
#include "server/model/expected_improvement.h"
#include "server/model/linalg.h"

static const double half_ln_2pi = 0.91893853320467274178;
static const double far_tail = -10.0;      /* below it φ + zΦ cancels */
static const double least_direct = 1e-150; /* in units of Π σ: below it logarithms are summed */

/* ---- one point ------------------------------------------------------------------------------- */
/* What is known of each coordinate: h, Φ and φ of it, or ln h, Φ/h and φ/h. */
struct tables {
    double *h, *Phi, *phi; /* n_coords × m each */
};

size_t hypervolume_improvement_scratch(const struct nondominated_boxes *boxes)
{
    return 3 * boxes->m * boxes->n_coords;
}

static struct tables tables_in(const struct nondominated_boxes *boxes, double scratch[])
{
    size_t n = boxes->m * boxes->n_coords;

    return (struct tables){scratch, scratch + n, scratch + 2 * n};
}

/* The first coordinate of each cost, −∞, has zeros. */
static void fill_direct(const struct nondominated_boxes *boxes, const double mean[],
                        const double sd[], const struct tables *t)
{
    for (size_t k = 0; k < boxes->m; k++) {
        size_t from = k * boxes->n_coords;
        t->h[from] = t->Phi[from] = t->phi[from] = 0.0;
        for (size_t c = from + 1; c < from + boxes->n_coords; c++) {
            double z = (boxes->coord[c] - mean[k]) / sd[k];
            t->phi[c] = exp(-0.5 * z * z - half_ln_2pi);
            t->Phi[c] = normal_cdf(z);
            t->h[c] = z > far_tail ? t->phi[c] + z * t->Phi[c] : exp(log_h(z));
        }
    }
}

/* d[k] ← the share of the box in each cost, over σ; returns their product. */
static double box_volume(const struct nondominated_boxes *boxes, const struct box *box,
                         const double h[], double d[])
{
    double product = 1.0;

    for (size_t k = 0; k < boxes->m; k++) {
        const double *of_cost = h + k * boxes->n_coords;
        d[k] = of_cost[box->upper[k]] - of_cost[box->lower[k]];
        product *= d[k];
    }
    return product;
}

/* The product of the m shares but the k-th one. */
static double product_without(size_t m, const double d[], size_t k)
{
    double product = 1.0;

    for (size_t j = 0; j < m; j++) {
        product *= j == k ? 1.0 : d[j];
    }
    return product;
}

/* The sum in units of Π σ, and its derivatives: d_mean (of −Σ …/σ) and d_var, not yet divided. */
static double sum_direct(const struct nondominated_boxes *boxes, const struct tables *t,
                         double d_mean[], double d_sd[])
{
    double sum = 0.0;

    for (size_t i = 0; i < boxes->n; i++) {
        const struct box *box = &boxes->items[i];
        double d[BOX_COSTS_MAX];
        sum += box_volume(boxes, box, t->h, d);
        for (size_t k = 0; d_mean != NULL && k < boxes->m; k++) {
            size_t from = k * boxes->n_coords;
            double rest = product_without(boxes->m, d, k);
            d_mean[k] += rest * (t->Phi[from + box->upper[k]] - t->Phi[from + box->lower[k]]);
            d_sd[k] += rest * (t->phi[from + box->upper[k]] - t->phi[from + box->lower[k]]);
        }
    }
    return sum;
}

static void fill_logs(const struct nondominated_boxes *boxes, const double mean[],
                      const double sd[], const struct tables *t)
{
    for (size_t k = 0; k < boxes->m; k++) {
        size_t from = k * boxes->n_coords;
        t->h[from] = -INFINITY;
        t->Phi[from] = t->phi[from] = 0.0;
        for (size_t c = from + 1; c < from + boxes->n_coords; c++) {
            double z = (boxes->coord[c] - mean[k]) / sd[k];
            t->h[c] = log_h(z);
            log_h_slopes(z, &t->phi[c], &t->Phi[c]);
        }
    }
}

/* ln of the share of a box in one cost, over σ; *below ← ψ(l)/ψ(u). */
static double log_share(const double log_h_of[], const struct box *box, size_t k, double *below)
{
    double upper = log_h_of[box->upper[k]];

    *below = exp(log_h_of[box->lower[k]] - upper);
    return upper + log1p(-fmin(*below, 1.0));
}

static double log_box(const struct nondominated_boxes *boxes, const struct box *box,
                      const struct tables *t, double below[])
{
    double sum = 0.0;

    for (size_t k = 0; k < boxes->m; k++) {
        sum += log_share(t->h + k * boxes->n_coords, box, k, &below[k]);
    }
    return sum;
}

/* The logarithm of the sum in units of Π σ. */
static double sum_logs(const struct nondominated_boxes *boxes, const struct tables *t)
{
    double below[BOX_COSTS_MAX];
    double top = -INFINITY;
    double sum = 0.0;

    for (size_t i = 0; i < boxes->n; i++) {
        double l = log_box(boxes, &boxes->items[i], t, below);
        if (l > top) {
            sum = sum * exp(top - l) + 1.0;
            top = l;
        } else if (!isinf(l)) {
            sum += exp(l - top);
        }
    }
    return top + log(sum);
}

/* The derivatives of the sum, divided by it, in units of 1/σ. */
static void slopes_of_logs(const struct nondominated_boxes *boxes, const struct tables *t,
                           double log_sum, double d_mean[], double d_sd[])
{
    for (size_t i = 0; i < boxes->n; i++) {
        const struct box *box = &boxes->items[i];
        double below[BOX_COSTS_MAX];
        double share = exp(log_box(boxes, box, t, below) - log_sum);
        for (size_t k = 0; k < boxes->m && share > 0.0; k++) {
            size_t from = k * boxes->n_coords;
            size_t u = from + box->upper[k];
            size_t l = from + box->lower[k];
            double scale = share / (1.0 - below[k]);
            d_mean[k] += scale * (t->Phi[u] - below[k] * t->Phi[l]);
            d_sd[k] += scale * (t->phi[u] - below[k] * t->phi[l]);
        }
    }
}

double log_hypervolume_improvement(const struct nondominated_boxes *boxes, const double mean[],
                                   const double sd[], double d_mean[], double d_var[],
                                   double scratch[])
{
    const struct tables t = tables_in(boxes, scratch);
    double log_sum;
    double scale = 1.0;

    for (size_t k = 0; d_mean != NULL && k < boxes->m; k++) {
        d_mean[k] = d_var[k] = 0.0;
    }
    fill_direct(boxes, mean, sd, &t);
    double sum = sum_direct(boxes, &t, d_mean, d_var);
    if (sum > least_direct) {
        log_sum = log(sum);
        scale = 1.0 / sum;
    } else {
        fill_logs(boxes, mean, sd, &t);
        log_sum = sum_logs(boxes, &t);
        for (size_t k = 0; d_mean != NULL && k < boxes->m; k++) {
            d_mean[k] = d_var[k] = 0.0;
        }
        if (d_mean != NULL) {
            slopes_of_logs(boxes, &t, log_sum, d_mean, d_var);
        }
    }
    for (size_t k = 0; k < boxes->m; k++) {
        log_sum += log(sd[k]);
        if (d_mean != NULL) { /* dψ/dμ = −Φ, dψ/dσ = φ */
            d_mean[k] *= -scale / sd[k];
            d_var[k] *= scale / (2.0 * sd[k] * sd[k]);
        }
    }
    return log_sum;
}

double nondominated_probability(const struct nondominated_boxes *boxes, const double mean[],
                                const double sd[], double scratch[])
{
    const struct tables t = tables_in(boxes, scratch);
    double d[BOX_COSTS_MAX];
    double sum = 0.0;

    fill_direct(boxes, mean, sd, &t);
    for (size_t i = 0; i < boxes->n; i++) {
        sum += box_volume(boxes, &boxes->items[i], t.Phi, d);
    }
    return fmin(sum, 1.0);
}

/* ---- the term of an acquisition function ----------------------------------------------------- */
struct hypervolume_term {
    struct acquisition_term term;
    struct hypervolume_models models;
    size_t n_fantasies;
    struct nondominated_boxes *boxes; /* of each fantasy */
    struct gp_batch *batch[BOX_COSTS_MAX];
    struct workspace work;
    double *scratch;          /* of one point */
    double *log_of_fantasy;   /* n_fantasies */
    double *d_mean, *d_var;   /* m × n_fantasies: of one point */
    double *a[BOX_COSTS_MAX]; /* n_fantasies × cap */
    double *b[BOX_COSTS_MAX]; /* cap */
    double *slope;            /* n_num × cap */
};

static void destroy(struct acquisition_term *term)
{
    struct hypervolume_term *t = (struct hypervolume_term *)term;

    for (size_t s = 0; t->boxes != NULL && s < t->n_fantasies; s++) {
        nondominated_boxes_finish(&t->boxes[s]);
    }
    for (size_t k = 0; k < t->models.m; k++) {
        gp_batch_destroy(t->batch[k]);
    }
    workspace_finish(&t->work);
    free(t->boxes);
    free(t);
}

/* Sets the j-th value, and the weights of its gradient if `with_slopes`. */
static double score_point(struct hypervolume_term *t, size_t j, bool with_slopes)
{
    size_t m = t->models.m;
    size_t n = t->n_fantasies;
    double mean[BOX_COSTS_MAX], sd[BOX_COSTS_MAX];
    double top = -INFINITY;
    double sum = 0.0;

    for (size_t k = 0; k < m; k++) {
        sd[k] = sqrt(t->batch[k]->var[j]);
    }
    for (size_t s = 0; s < n; s++) {
        for (size_t k = 0; k < m; k++) {
            mean[k] = t->batch[k]->mean[j * n + s];
        }
        t->log_of_fantasy[s] = log_hypervolume_improvement(
            &t->boxes[s], mean, sd, with_slopes ? t->d_mean + s * m : NULL,
            with_slopes ? t->d_var + s * m : NULL, t->scratch);
        top = fmax(top, t->log_of_fantasy[s]);
    }
    for (size_t s = 0; s < n; s++) {
        sum += exp(t->log_of_fantasy[s] - top);
    }
    for (size_t k = 0; with_slopes && k < m; k++) {
        t->b[k][j] = 0.0;
        for (size_t s = 0; s < n; s++) {
            double share = exp(t->log_of_fantasy[s] - top) / sum;
            t->a[k][j * n + s] = share * t->d_mean[s * m + k];
            t->b[k][j] += share * t->d_var[s * m + k];
        }
    }
    return top + log(sum / (double)n);
}

static void add(struct acquisition_term *term, const struct points *q, double value[],
                double gradient[])
{
    struct hypervolume_term *t = (struct hypervolume_term *)term;

    for (size_t k = 0; k < t->models.m; k++) {
        t->batch[k]->with_slopes = gradient != NULL;
        gp_predict(t->models.gp[k], t->batch[k], q);
        if (t->models.prior_mean[k] != NULL) {
            prior_mean_add(t->models.prior_mean[k], q, t->n_fantasies, t->batch[k]->mean);
        }
    }
    for (size_t j = 0; j < q->n; j++) {
        value[j] += score_point(t, j, gradient != NULL);
    }
    for (size_t k = 0; gradient != NULL && k < t->models.m; k++) {
        gp_gradient(t->models.gp[k], t->batch[k], q, t->a[k], t->b[k], t->slope);
        if (t->models.prior_mean[k] != NULL) {
            prior_mean_add_gradient(t->models.prior_mean[k], q, t->n_fantasies, t->a[k], t->slope);
        }
        for (size_t i = 0; i < q->n * q->n_num; i++) {
            gradient[i] += t->slope[i];
        }
    }
}

/* The boxes of each fantasy: its front has the outcomes of the pending points. */
static int init_boxes(struct hypervolume_term *t, struct err *err)
{
    const struct hypervolume_models *models = &t->models;
    size_t m = models->m;
    size_t p = models->gp[0]->p;
    OWN(memory) double *front = calloc((models->n + p) * m + 1, sizeof *front);

    t->boxes = calloc(t->n_fantasies, sizeof *t->boxes);
    if (front == NULL || t->boxes == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    memcpy(front, models->front, models->n * m * sizeof *front);
    for (size_t s = 0; s < t->n_fantasies; s++) {
        for (size_t i = 0; i < p; i++) {
            for (size_t k = 0; k < m; k++) {
                front[(models->n + i) * m + k] = models->gp[k]->y_pending[s * p + i];
            }
        }
        TRY(nondominated_boxes_init(&t->boxes[s], models->n + p, m, front, models->reference, err));
    }
    return 0;
}

static int init_scratch(struct hypervolume_term *t, size_t cap, struct err *err)
{
    size_t m = t->models.m;
    size_t n = t->n_fantasies;
    size_t d = t->models.gp[0]->x->n_num;
    size_t most = 0;

    for (size_t s = 0; s < n; s++) {
        size_t size = hypervolume_improvement_scratch(&t->boxes[s]);
        most = size > most ? size : most;
    }
    TRY(workspace_init(&t->work,
                       workspace_round(most) + workspace_round(n) + 2 * workspace_round(m * n)
                           + m * (workspace_round(n * cap) + workspace_round(cap))
                           + workspace_round(d * cap),
                       err));
    t->scratch = workspace_take(&t->work, most);
    t->log_of_fantasy = workspace_take(&t->work, n);
    t->d_mean = workspace_take(&t->work, m * n);
    t->d_var = workspace_take(&t->work, m * n);
    t->slope = workspace_take(&t->work, d * cap);
    for (size_t k = 0; k < m; k++) {
        t->a[k] = workspace_take(&t->work, n * cap);
        t->b[k] = workspace_take(&t->work, cap);
        TRY(gp_batch_create(t->models.gp[k], cap, true, &t->batch[k], err));
    }
    return 0;
}

int hypervolume_improvement_create(const struct hypervolume_models *models, size_t cap,
                                   struct acquisition_term **term, struct err *err)
{
    struct hypervolume_term *t = calloc(1, sizeof *t);

    if (t == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    t->term = (struct acquisition_term){.add = add, .destroy = destroy};
    t->models = *models;
    t->n_fantasies = models->gp[0]->n_fantasies;
    if (init_boxes(t, err) != 0 || init_scratch(t, cap, err) != 0) {
        destroy(&t->term);
        return -1;
    }
    *term = &t->term;
    return 0;
}
