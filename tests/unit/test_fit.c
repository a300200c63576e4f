#include "server/model/fit.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "server/model/optimise.h"
#include "server/model/transform.h"
#include "tests/support/run_suite.h"

/* y = sin(6 u_0), u_1 irrelevant. */
static void line(struct points *x, size_t n, double y[])
{
    struct rng rng = rng_for(3, 1);

    ck_assert_int_eq(points_init(x, 2, 0, n, NULL), 0);
    x->n = n;
    for (size_t i = 0; i < n; i++) {
        points_num(x, i)[0] = rng_uniform(&rng);
        points_num(x, i)[1] = rng_uniform(&rng);
        y[i] = sin(6 * points_num(x, i)[0]);
    }
}

START_TEST(posterior_gradient_agrees_with_differences)
{
    OWN(points) struct points x = {0};
    OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
    OWN(fit_prior) struct fit_prior prior = {0};
    double y[12], theta[] = {-1, 0.5, .3, -5, .4, -.9}, gradient[6], up, down;

    line(&x, 12, y);
    ck_assert_int_eq(marginal_likelihood_create(&x, y, NULL, GP_MEAN_CONSTANT, &likelihood, NULL),
                     0);
    ck_assert_int_eq(fit_prior_init(&prior, &x, 2, 0, NULL), 0);
    ck_assert_int_eq(fit_log_posterior(likelihood, &prior, theta, &up, gradient, NULL), 0);
    for (size_t i = 0; i < 6; i++) {
        double at = theta[i];
        theta[i] = at + 1e-5;
        ck_assert_int_eq(fit_log_posterior(likelihood, &prior, theta, &up, NULL, NULL), 0);
        theta[i] = at - 1e-5;
        ck_assert_int_eq(fit_log_posterior(likelihood, &prior, theta, &down, NULL, NULL), 0);
        theta[i] = at;
        ck_assert(fabs(gradient[i] - (up - down) / 2e-5) < 1e-5 * fmax(1, fabs(gradient[i])));
    }
}
END_TEST

START_TEST(map_climbs_and_finds_what_matters)
{
    OWN(points) struct points x = {0};
    OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
    OWN(fit_prior) struct fit_prior prior = {0};
    double y[25], theta[6], again[6], gradient[6], value, start;

    line(&x, 25, y);
    ck_assert_int_eq(marginal_likelihood_create(&x, y, NULL, GP_MEAN_CONSTANT, &likelihood, NULL),
                     0);
    ck_assert_int_eq(fit_prior_init(&prior, &x, 2, 0, NULL), 0);
    ck_assert_int_eq(fit_map(likelihood, &prior,
                             &(struct fit_starts){1, prior.mean, 100, false, NULL}, theta, &value,
                             NULL),
                     0);
    ck_assert_int_eq(fit_log_posterior(likelihood, &prior, prior.mean, &start, NULL, NULL), 0);
    ck_assert(value > start);
    ck_assert(theta[1] > theta[0] + 1); /* the irrelevant number has the longer scale */
    ck_assert_int_eq(fit_log_posterior(likelihood, &prior, theta, &start, gradient, NULL), 0);
    ck_assert(start == value);
    for (size_t i = 0; i < 3; i++) { /* the noise may sit at its lower bound */
        ck_assert_msg(fabs(gradient[i]) < .05, "gradient %zu is %g", i, gradient[i]);
    }
    ck_assert_int_eq(fit_map(likelihood, &prior,
                             &(struct fit_starts){1, prior.mean, 100, false, NULL}, again, &value,
                             NULL),
                     0);
    ck_assert_int_eq(memcmp(theta, again, sizeof theta), 0);
}
END_TEST

START_TEST(fit_that_is_asked_to_stop_evaluates_nothing_more)
{
    OWN(points) struct points x = {0};
    OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
    OWN(fit_prior) struct fit_prior prior = {0};
    const atomic_bool stop = true;
    double y[25], theta[6] = {7, 7, 7, 7, 7, 7}, value = 7;
    struct err err = {0};

    line(&x, 25, y);
    ck_assert_int_eq(marginal_likelihood_create(&x, y, NULL, GP_MEAN_CONSTANT, &likelihood, NULL),
                     0);
    ck_assert_int_eq(fit_prior_init(&prior, &x, 2, 0, NULL), 0);
    ck_assert_int_eq(fit_map(likelihood, &prior,
                             &(struct fit_starts){1, prior.mean, 100, false, &stop}, theta, &value,
                             &err),
                     -1);
    ck_assert_int_eq(err.code, ERR_OVERLOADED);
    ck_assert(theta[0] == 7 && value == 7);
}
END_TEST

/* Minus the square of the distance from 0.9, which takes more than three steps. */
struct hill {
    int calls, stop_at;
    atomic_bool stop;
};

static void climb(void *context, const double x[], double value[], double gradient[])
{
    struct hill *hill = context;

    hill->stop = ++hill->calls >= hill->stop_at;
    value[0] = gradient[0] = 0;
    for (int i = 0; i < 4; i++) {
        double d = x[i] - 0.9 + 0.1 * i * x[0];
        value[0] -= (1 + i * i) * d * d * d * d;
        gradient[i] = -4 * (1 + i * i) * d * d * d;
    }
}

START_TEST(maximisation_that_is_asked_to_stop_evaluates_nothing_more)
{
    const double scale[] = {1, 1, 1, 1};

    for (int at = 1; at <= 3; at++) {
        double x[] = {0.1, 0.2, 0.3, 0.4}, value;
        struct hill hill = {.stop_at = at};
        struct err err = {0};
        const struct maximisation maximisation = {.d = 4,
                                                  .m = 1,
                                                  .scale = scale,
                                                  .steps = 50,
                                                  .stop = &hill.stop,
                                                  .context = &hill,
                                                  .evaluate = climb};
        ck_assert_int_eq(maximise_in_box(&maximisation, x, &value, &err), -1);
        ck_assert_int_eq(err.code, ERR_OVERLOADED);
        ck_assert_int_eq(hill.calls, at);
    }
}
END_TEST

START_TEST(transform_is_a_z_score)
{
    const double y[] = {1, 2, 3, 6};
    struct transform t;

    ck_assert_int_eq(transform_fit(&t, 4, y, NULL), 0);
    ck_assert_double_eq_tol(transform_apply(&t, 3), 0, 1e-15);
    ck_assert_double_eq_tol(t.mean + t.sd * transform_apply(&t, 6), 6, 1e-14);
}
END_TEST

START_TEST(transform_bends_the_bad_tail)
{
    double y[30] = {1, 2, 3, 4, 1e9};
    struct transform t;

    ck_assert_int_eq(transform_fit(&t, 5, y, NULL), 0);
    ck_assert_double_eq_tol(t.knee, 9, 1e-12); /* 3 + 3 (3 − 1) */
    ck_assert_double_eq_tol(t.mean + t.sd * transform_apply(&t, 1e9), 9 + 6 * log1p((1e9 - 9) / 6),
                            1e-9);
    ck_assert(transform_apply(&t, 1e9) < 3);
    ck_assert(transform_apply(&t, 1e9) > transform_apply(&t, 1e8));
    /* later trials move the best, never the median */
    for (size_t i = 0; i < 30; i++) {
        y[i] = i < 20 ? (double)i : .5;
    }
    ck_assert_int_eq(transform_fit(&t, 30, y, NULL), 0);
    ck_assert_double_eq_tol(t.knee, 9.5 + 3 * 9.5, 1e-12);
    ck_assert_int_eq(transform_fit_all(&t, 30, y, NULL), 0); /* 0 .5 (10 times) 1 2 3 4 | 5 … */
    ck_assert_double_eq_tol(t.knee, 4.5 + 3 * 4.5, 1e-12);
}
END_TEST

START_TEST(equal_results_become_zeros)
{
    const double y[] = {7, 7, 7};
    const double huge[] = {-1e308, 1e308};
    struct transform t;

    ck_assert_int_eq(transform_fit(&t, 3, y, NULL), 0);
    ck_assert_double_eq(transform_apply(&t, 7), 0);
    ck_assert_int_eq(transform_fit(&t, 2, huge, NULL), 0);
    ck_assert(isfinite(transform_apply(&t, huge[1])));
    ck_assert_int_eq(transform_fit(&t, 0, NULL, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fit");
    TCase *tcase = tcase_create("fit");

    tcase_add_test(tcase, posterior_gradient_agrees_with_differences);
    tcase_add_test(tcase, map_climbs_and_finds_what_matters);
    tcase_add_test(tcase, fit_that_is_asked_to_stop_evaluates_nothing_more);
    tcase_add_test(tcase, maximisation_that_is_asked_to_stop_evaluates_nothing_more);
    tcase_add_test(tcase, transform_is_a_z_score);
    tcase_add_test(tcase, transform_bends_the_bad_tail);
    tcase_add_test(tcase, equal_results_become_zeros);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
