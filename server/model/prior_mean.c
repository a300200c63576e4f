#include "server/model/prior_mean.h"

#include <stdlib.h>
#include <string.h>

#include "server/model/linalg.h"

struct term {
    struct prior_mean_term given;
    struct points q; /* the coordinates that its model knows */
    struct gp_batch *batch;
    double *gradient; /* by the numbers of its model */
};

struct prior_mean {
    size_t n, cap;
    struct term *terms;
    double *a, *zero; /* weights of gp_gradient(): cap each */
};

void prior_mean_destroy(struct prior_mean *prior_mean)
{
    if (prior_mean == NULL) {
        return;
    }
    for (size_t k = 0; k < prior_mean->n; k++) {
        points_finish(&prior_mean->terms[k].q);
        gp_batch_destroy(prior_mean->terms[k].batch);
        free(prior_mean->terms[k].gradient);
    }
    free(prior_mean->terms);
    free(prior_mean->a);
    free(prior_mean);
}

static int add_term(struct prior_mean *prior_mean, const struct prior_mean_term *given,
                    struct err *err)
{
    struct term *term = &prior_mean->terms[prior_mean->n++];
    const struct points *x = given->gp->x;

    term->given = *given;
    term->gradient = calloc(x->n_num * prior_mean->cap + 1, sizeof *term->gradient);
    if (term->gradient == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(points_init(&term->q, x->n_num, x->n_cat, prior_mean->cap, err));
    return gp_batch_create(given->gp, prior_mean->cap, true, &term->batch, err);
}

int prior_mean_create(size_t n, const struct prior_mean_term terms[], size_t cap,
                      struct prior_mean **prior_mean, struct err *err)
{
    OWN(prior_mean) struct prior_mean *made = calloc(1, sizeof *made);

    if (made == NULL || (made->terms = calloc(n + 1, sizeof *made->terms)) == NULL
        || (made->a = calloc(2 * cap + 1, sizeof *made->a)) == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    made->cap = cap;
    made->zero = made->a + cap;
    for (size_t k = 0; k < n; k++) {
        if (terms[k].weight > 0.0 || terms[k].weight < 0.0) {
            TRY(add_term(made, &terms[k], err));
        }
    }
    *prior_mean = made;
    made = NULL;
    return 0;
}

static void select_coordinates(struct term *term, const struct points *q)
{
    term->q.n = q->n;
    for (size_t j = 0; j < q->n; j++) {
        for (size_t k = 0; k < term->q.n_num; k++) {
            points_num(&term->q, j)[k] = points_num(q, j)[term->given.num[k]];
            points_active(&term->q, j)[k] = points_active(q, j)[term->given.num[k]];
        }
        for (size_t k = 0; k < term->q.n_cat; k++) {
            points_cat(&term->q, j)[k] = points_cat(q, j)[term->given.cat[k]];
            points_active(&term->q, j)[term->q.n_num + k] =
                points_active(q, j)[q->n_num + term->given.cat[k]];
        }
    }
}

void prior_mean_add(struct prior_mean *prior_mean, const struct points *q, size_t n_fantasies,
                    double mean[])
{
    for (size_t k = 0; k < prior_mean->n; k++) {
        struct term *term = &prior_mean->terms[k];
        select_coordinates(term, q);
        gp_predict(term->given.gp, term->batch, &term->q);
        for (size_t j = 0; j < q->n; j++) {
            for (size_t s = 0; s < n_fantasies; s++) {
                mean[j * n_fantasies + s] += term->given.weight * term->batch->mean[j];
            }
        }
    }
}

void prior_mean_add_gradient(struct prior_mean *prior_mean, const struct points *q,
                             size_t n_fantasies, const double a[], double gradient[])
{
    for (size_t k = 0; k < prior_mean->n; k++) {
        struct term *term = &prior_mean->terms[k];
        for (size_t j = 0; j < q->n; j++) {
            prior_mean->a[j] = 0.0;
            for (size_t s = 0; s < n_fantasies; s++) {
                prior_mean->a[j] += term->given.weight * a[j * n_fantasies + s];
            }
        }
        gp_gradient(term->given.gp, term->batch, &term->q, prior_mean->a, prior_mean->zero,
                    term->gradient);
        for (size_t j = 0; j < q->n; j++) {
            for (size_t i = 0; i < term->q.n_num; i++) {
                gradient[j * q->n_num + term->given.num[i]] +=
                    term->gradient[j * term->q.n_num + i];
            }
        }
    }
}
