/* Which covariance the results of a study lead to. */
#include "server/strategy/gp/theta_fit.h"

#include <check.h>
#include <math.h>

#include "common/rng.h"
#include "tests/support/run_suite.h"

enum { N = 90, D = 3 };

/* A sum of waves, one of each number. */
static double sum_of_waves(const double u[])
{
    double sum = 0.0;

    for (size_t k = 0; k < D; k++) {
        sum += cos(9.0 * u[k] + (double)k) / sqrt(0.5 * D);
    }
    return sum;
}

/* A wave along a diagonal: no sum of functions of one number. */
static double diagonal_wave(const double u[])
{
    return sqrt(2.0) * sin(6.0 * (u[0] + u[1] - u[2]));
}

struct data {
    struct points x;
    double y[N];
    struct marginal_likelihood *likelihood;
    struct fit_prior prior;
};

static void data_init(struct data *data, double (*f)(const double u[]))
{
    struct rng rng = rng_for(11, 1);

    ck_assert_int_eq(points_init(&data->x, D, 0, N, NULL), 0);
    data->x.n = N;
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < D; k++) {
            points_num(&data->x, i)[k] = rng_uniform(&rng);
        }
        data->y[i] = f(points_num(&data->x, i));
    }
    ck_assert_int_eq(marginal_likelihood_create(&data->x, data->y, NULL, GP_MEAN_POLYNOMIAL,
                                                &data->likelihood, NULL),
                     0);
    ck_assert_int_eq(fit_prior_init(&data->prior, &data->x, D, 0, NULL), 0);
}

static void data_finish(struct data *data)
{
    fit_prior_finish(&data->prior);
    marginal_likelihood_destroy(data->likelihood);
    points_finish(&data->x);
}

/* The additive share of the fit. */
static double share_of(const struct data *data, const double *warm, bool is_additive,
                       double theta[])
{
    const struct theta_search search = {
        .warm = warm, .is_additive = is_additive, .evaluations = theta_evaluations(N)};

    ck_assert_int_eq(theta_fit(data->likelihood, &data->prior, &search, theta, NULL), 0);
    return gp_additive_share(&data->x, theta);
}

START_TEST(a_sum_has_a_large_share)
{
    struct data data;
    double theta[D + 4];
    double again[D + 4];

    data_init(&data, sum_of_waves);
    ck_assert_double_gt(share_of(&data, NULL, true, theta), 0.8);
    ck_assert_double_gt(share_of(&data, theta, true, again), 0.8);
    /* a model that may have none, from a fit with one */
    ck_assert_double_eq(share_of(&data, theta, false, again), 0.0);
    ck_assert(isinf(again[fit_prior_share(&data.prior)]));
    /* and the other way round */
    ck_assert_double_gt(share_of(&data, again, true, theta), 0.8);
    data_finish(&data);
}
END_TEST

START_TEST(a_small_share_is_left_out)
{
    struct data data;
    double theta[D + 4];

    data_init(&data, diagonal_wave);
    ck_assert_double_eq(share_of(&data, NULL, true, theta), 0.0);
    data_finish(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("theta_fit");
    TCase *tcase = tcase_create("theta_fit");

    tcase_add_test(tcase, a_sum_has_a_large_share);
    tcase_add_test(tcase, a_small_share_is_left_out);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
