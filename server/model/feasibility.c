#include "server/model/feasibility.h"

#include <math.h>
#include <stdlib.h>

#include "server/model/expected_improvement.h"
#include "server/model/linalg.h"

static const double half_ln_2pi = 0.91893853320467274178;
static const double label_spread = 0.05; /* s² of log_feasibility() */

double log_feasibility(double mean, double var)
{
    return log_normal_distribution(mean / sqrt(label_spread + var));
}

/* Both terms are ln Φ(t) with t = sign (μ − limit)/√(spread + var). */
struct feasibility {
    struct acquisition_term term;
    const struct gp *gp;
    double sign, limit, spread;
    struct gp_batch *batch;
    struct workspace work;
    double *a, *b, *slope;
};

static void destroy(struct acquisition_term *term)
{
    struct feasibility *f = (struct feasibility *)term;

    gp_batch_destroy(f->batch);
    workspace_finish(&f->work);
    free(f);
}

static void add(struct acquisition_term *term, const struct points *q, double value[],
                double gradient[])
{
    struct feasibility *f = (struct feasibility *)term;

    f->batch->with_slopes = gradient != NULL;
    gp_predict(f->gp, f->batch, q);
    for (size_t j = 0; j < q->n; j++) {
        double spread = f->spread + f->batch->var[j];
        double t = f->sign * (f->batch->mean[j] - f->limit) / sqrt(spread);
        double log_p = log_normal_distribution(t);
        double slope = exp(-0.5 * t * t - half_ln_2pi - log_p); /* φ/Φ */
        value[j] += log_p;
        f->a[j] = f->sign * slope / sqrt(spread);
        f->b[j] = -0.5 * slope * t / spread;
    }
    if (gradient != NULL) {
        gp_gradient(f->gp, f->batch, q, f->a, f->b, f->slope);
        for (size_t i = 0; i < q->n * q->n_num; i++) {
            gradient[i] += f->slope[i];
        }
    }
}

static int create(const struct feasibility *kind, size_t cap, struct acquisition_term **term,
                  struct err *err)
{
    const struct gp *gp = kind->gp;
    struct feasibility *f = calloc(1, sizeof *f);
    size_t d = gp->x->n_num;

    if (f == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    *f = *kind;
    f->term = (struct acquisition_term){.add = add, .destroy = destroy};
    if (workspace_init(&f->work, 2 * workspace_round(cap) + workspace_round(d * cap), err) != 0
        || gp_batch_create(gp, cap, true, &f->batch, err) != 0) {
        destroy(&f->term);
        return -1;
    }
    f->a = workspace_take(&f->work, cap);
    f->b = workspace_take(&f->work, cap);
    f->slope = workspace_take(&f->work, d * cap);
    *term = &f->term;
    return 0;
}

int feasibility_create(const struct gp *gp, size_t cap, struct acquisition_term **term,
                       struct err *err)
{
    const struct feasibility kind = {.gp = gp, .sign = 1.0, .spread = label_spread};

    return create(&kind, cap, term, err);
}

int bound_create(const struct gp *gp, double limit, size_t cap, struct acquisition_term **term,
                 struct err *err)
{
    const struct feasibility kind = {.gp = gp, .sign = -1.0, .limit = limit};

    return create(&kind, cap, term, err);
}
