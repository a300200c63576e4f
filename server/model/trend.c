#include "server/model/trend.h"

#include <stdlib.h>
#include <string.h>

#include "server/model/linalg.h"

struct part {
    struct trend_part is;
    struct points q; /* the coordinates that it knows */
    struct gp_batch *batch;
    double *gradient; /* of its own numbers */
};

struct trend {
    size_t n, cap;
    struct part *parts;
    double *a, *zero; /* cap each */
};

void trend_destroy(struct trend *trend)
{
    if (trend == NULL) {
        return;
    }
    for (size_t k = 0; k < trend->n; k++) {
        points_finish(&trend->parts[k].q);
        gp_batch_destroy(trend->parts[k].batch);
        free(trend->parts[k].gradient);
    }
    free(trend->parts);
    free(trend->a);
    free(trend);
}

static int add_part(struct trend *trend, const struct trend_part *given, struct err *err)
{
    struct part *part = &trend->parts[trend->n++];
    const struct points *x = given->gp->x;

    part->is = *given;
    part->gradient = calloc(x->n_num * trend->cap + 1, sizeof *part->gradient);
    if (part->gradient == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(points_init(&part->q, x->n_num, x->n_cat, trend->cap, err));
    return gp_batch_create(given->gp, trend->cap, true, &part->batch, err);
}

int trend_create(size_t n, const struct trend_part parts[], size_t cap, struct trend **trend,
                 struct err *err)
{
    OWN(trend) struct trend *made = calloc(1, sizeof *made);

    if (made == NULL || (made->parts = calloc(n + 1, sizeof *made->parts)) == NULL
        || (made->a = calloc(2 * cap + 1, sizeof *made->a)) == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    made->cap = cap;
    made->zero = made->a + cap;
    for (size_t k = 0; k < n; k++) {
        if (parts[k].weight > 0.0 || parts[k].weight < 0.0) {
            TRY(add_part(made, &parts[k], err));
        }
    }
    *trend = made;
    made = NULL;
    return 0;
}

static void select_coordinates(struct part *part, const struct points *q)
{
    part->q.n = q->n;
    for (size_t j = 0; j < q->n; j++) {
        for (size_t k = 0; k < part->q.n_num; k++) {
            points_num(&part->q, j)[k] = points_num(q, j)[part->is.num[k]];
        }
        for (size_t k = 0; k < part->q.n_cat; k++) {
            points_cat(&part->q, j)[k] = points_cat(q, j)[part->is.cat[k]];
        }
    }
}

void trend_add(struct trend *trend, const struct points *q, size_t n_fantasies, double mean[])
{
    for (size_t k = 0; k < trend->n; k++) {
        struct part *part = &trend->parts[k];
        select_coordinates(part, q);
        gp_predict(part->is.gp, part->batch, &part->q);
        for (size_t j = 0; j < q->n; j++) {
            for (size_t s = 0; s < n_fantasies; s++) {
                mean[j * n_fantasies + s] += part->is.weight * part->batch->mean[j];
            }
        }
    }
}

void trend_add_gradient(struct trend *trend, const struct points *q, size_t n_fantasies,
                        const double a[], double gradient[])
{
    for (size_t k = 0; k < trend->n; k++) {
        struct part *part = &trend->parts[k];
        for (size_t j = 0; j < q->n; j++) {
            trend->a[j] = 0.0;
            for (size_t s = 0; s < n_fantasies; s++) {
                trend->a[j] += part->is.weight * a[j * n_fantasies + s];
            }
        }
        gp_gradient(part->is.gp, part->batch, &part->q, trend->a, trend->zero, part->gradient);
        for (size_t j = 0; j < q->n; j++) {
            for (size_t i = 0; i < part->q.n_num; i++) {
                gradient[j * q->n_num + part->is.num[i]] += part->gradient[j * part->q.n_num + i];
            }
        }
    }
}
