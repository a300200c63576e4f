#include "server/model/curve_penalty.h"

#include <math.h>
#include <stdlib.h>

#include "server/model/linalg.h"

static const double least_independence = 1e-9; /* of 1 − ρ² */

struct curve_penalty {
    struct acquisition_term term;
    const struct gp *gp;
    const struct points *avoided;
    struct workspace work;
    double *avoided_Z, *avoided_norm, *q_Z, *q_norm, *K;
};

static void destroy(struct acquisition_term *term)
{
    struct curve_penalty *p = (struct curve_penalty *)term;

    workspace_finish(&p->work);
    free(p);
}

static void add(struct acquisition_term *term, const struct points *q, double value[],
                double gradient[])
{
    struct curve_penalty *p = (struct curve_penalty *)term;
    const struct scaled_points avoided = {p->avoided, p->avoided_Z, p->avoided_norm};
    const struct scaled_points candidates = {q, p->q_Z, p->q_norm};
    size_t n = p->avoided->n;

    if (gradient != NULL) {
        return;
    }
    kernel_scale(&p->gp->kernel, q, p->q_Z, p->q_norm);
    kernel_cross(&p->gp->kernel, &avoided, &candidates, p->K, NULL, n);
    for (size_t j = 0; j < q->n; j++) {
        double rho = 0.0;
        for (size_t i = 0; i < n; i++) {
            rho = fmax(rho, p->K[j * n + i]);
        }
        value[j] += log(fmax(1.0 - rho * rho, least_independence));
    }
}

int curve_penalty_create(const struct gp *gp, const struct points *avoided, size_t cap,
                         struct acquisition_term **term, struct err *err)
{
    struct curve_penalty *p = calloc(1, sizeof *p);
    size_t d = gp->x->n_num;
    size_t n = avoided->n;

    if (p == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    p->term = (struct acquisition_term){.add = add, .destroy = destroy};
    p->gp = gp;
    p->avoided = avoided;
    if (workspace_init(&p->work,
                       workspace_round(d * n) + workspace_round(n) + workspace_round(d * cap)
                           + workspace_round(cap) + workspace_round(n * cap),
                       err)
        != 0) {
        destroy(&p->term);
        return -1;
    }
    p->avoided_Z = workspace_take(&p->work, d * n);
    p->avoided_norm = workspace_take(&p->work, n);
    p->q_Z = workspace_take(&p->work, d * cap);
    p->q_norm = workspace_take(&p->work, cap);
    p->K = workspace_take(&p->work, n * cap);
    kernel_scale(&gp->kernel, avoided, p->avoided_Z, p->avoided_norm);
    *term = &p->term;
    return 0;
}
