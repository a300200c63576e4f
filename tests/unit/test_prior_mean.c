/* A mean made of other models: its value and its gradient. */
#include <check.h>
#include <math.h>

#include "common/rng.h"
#include "server/model/prior_mean.h"
#include "tests/support/run_suite.h"

enum { N = 12, Q = 3, NUM = 3, CAT = 1, FANTASIES = 2 };

static const size_t own_num[] = {2, 0}; /* the model knows two of the three numbers */
static const size_t own_cat[] = {0};

static struct gp *make_model(struct points *points, struct err *err)
{
    struct rng rng = rng_for(3, 1);
    const double theta[] = {log(0.4), log(0.7), log(0.9), 0.0, log(1e-3), -(double)INFINITY, 0.0};
    double y[N];
    struct gp *gp = NULL;

    ck_assert_int_eq(points_init(points, 2, CAT, N, err), 0);
    for (size_t i = 0; i < N; i++) {
        points_num(points, i)[0] = rng_uniform(&rng);
        points_num(points, i)[1] = rng_uniform(&rng);
        points_cat(points, i)[0] = (int32_t)(i % 2);
        y[i] = sin(6.0 * points_num(points, i)[0]) + points_num(points, i)[1];
    }
    points->n = N;
    ck_assert_int_eq(
        gp_create(&(struct gp_data){points, 0, y, NULL, theta, GP_MEAN_CONSTANT, 1, NULL}, &gp,
                  err),
        0);
    return gp;
}

static void make_questions(struct points *q, struct err *err)
{
    struct rng rng = rng_for(4, 1);

    ck_assert_int_eq(points_init(q, NUM, CAT, Q, err), 0);
    for (size_t j = 0; j < Q; j++) {
        for (size_t k = 0; k < NUM; k++) {
            points_num(q, j)[k] = rng_uniform(&rng);
        }
        points_cat(q, j)[0] = (int32_t)(j % 2);
    }
    q->n = Q;
}

static double value(struct prior_mean *prior_mean, const struct points *q, size_t j)
{
    double mean[Q] = {0};

    prior_mean_add(prior_mean, q, 1, mean);
    return mean[j];
}

START_TEST(parts_add_their_means_on_what_they_know)
{
    OWN(points) struct points points = {0};
    OWN(points) struct points q = {0};
    OWN(points) struct points own = {0};
    OWN(prior_mean) struct prior_mean *prior_mean = NULL;
    OWN(gp_batch) struct gp_batch *batch = NULL;
    struct err err = {0};
    OWN(gp) struct gp *gp = make_model(&points, &err);
    const struct prior_mean_term parts[] = {
        {gp, own_num, own_cat, 0.5}, {gp, own_num, own_cat, 0.0}, {gp, own_num, own_cat, 0.25}};
    double mean[Q * FANTASIES];

    make_questions(&q, &err);
    ck_assert_int_eq(prior_mean_create(3, parts, Q, &prior_mean, &err), 0);
    ck_assert_int_eq(points_init(&own, 2, CAT, Q, &err), 0);
    for (size_t j = 0; j < Q; j++) {
        points_num(&own, j)[0] = points_num(&q, j)[2];
        points_num(&own, j)[1] = points_num(&q, j)[0];
        points_cat(&own, j)[0] = points_cat(&q, j)[0];
    }
    own.n = Q;
    ck_assert_int_eq(gp_batch_create(gp, Q, false, &batch, &err), 0);
    gp_predict(gp, batch, &own);
    for (size_t i = 0; i < Q * FANTASIES; i++) {
        mean[i] = 10.0 + (double)i;
    }
    prior_mean_add(prior_mean, &q, FANTASIES, mean);
    for (size_t i = 0; i < Q * FANTASIES; i++) {
        ck_assert_double_eq_tol(mean[i], 10.0 + (double)i + 0.75 * batch->mean[i / FANTASIES],
                                1e-12);
    }
}
END_TEST

START_TEST(the_gradient_is_that_of_the_value)
{
    OWN(points) struct points points = {0};
    OWN(points) struct points q = {0};
    OWN(prior_mean) struct prior_mean *prior_mean = NULL;
    struct err err = {0};
    OWN(gp) struct gp *gp = make_model(&points, &err);
    const struct prior_mean_term part = {gp, own_num, own_cat, 0.8};
    const double a[] = {0.3, 0.4, 1.0, 0.5, -1.0, 0.2};
    double gradient[NUM * Q] = {0};
    double mean[Q * FANTASIES] = {0};
    double h = 1e-6;

    make_questions(&q, &err);
    ck_assert_int_eq(prior_mean_create(1, &part, Q, &prior_mean, &err), 0);
    prior_mean_add(prior_mean, &q, FANTASIES, mean);
    prior_mean_add_gradient(prior_mean, &q, FANTASIES, a, gradient);
    for (size_t j = 0; j < Q; j++) {
        for (size_t k = 0; k < NUM; k++) {
            double *at = points_num(&q, j) + k;
            double middle = *at;
            *at = middle + h;
            double above = value(prior_mean, &q, j);
            *at = middle - h;
            double below = value(prior_mean, &q, j);
            *at = middle;
            double slope = (a[2 * j] + a[2 * j + 1]) * (above - below) / (2.0 * h);
            ck_assert_double_eq_tol(gradient[j * NUM + k], slope, 1e-7);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prior_mean");
    TCase *tcase = tcase_create("mean");

    tcase_add_test(tcase, parts_add_their_means_on_what_they_know);
    tcase_add_test(tcase, the_gradient_is_that_of_the_value);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
