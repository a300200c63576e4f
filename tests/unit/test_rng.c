/* Chance and the normal distribution against published numbers. */
#include "common/rng.h"

#include <check.h>
#include <math.h>

#include "common/normal.h"
#include "tests/support/run_suite.h"

START_TEST(splitmix64_has_its_published_outputs)
{
    const uint64_t golden = 0x9e3779b97f4a7c15;

    ck_assert_uint_eq(splitmix64(0), 0xe220a8397b1dcdaf);
    ck_assert_uint_eq(splitmix64(golden), 0x6e789e6aa1b965f4);
    ck_assert_uint_eq(splitmix64(2 * golden), 0x06c45d188009454f);
}
END_TEST

START_TEST(draws_have_the_moments_of_their_distributions)
{
    enum { N = 20000 };
    struct rng rng = rng_for(1, 1);
    double sum = 0, square = 0, uniform = 0;
    int counts[7] = {0};

    for (int i = 0; i < N; i++) {
        double z = rng_normal(&rng);
        double u = rng_uniform(&rng);
        ck_assert(u >= 0 && u < 1);
        sum += z;
        square += z * z;
        uniform += u;
        counts[rng_below(&rng, 7)]++;
    }
    ck_assert_double_eq_tol(sum / N, 0, .03);
    ck_assert_double_eq_tol(square / N, 1, .05);
    ck_assert_double_eq_tol(uniform / N, .5, .01);
    for (int i = 0; i < 7; i++) {
        ck_assert_int_gt(counts[i], N / 7 - 300);
        ck_assert_int_lt(counts[i], N / 7 + 300);
    }
}
END_TEST

START_TEST(quantiles_invert_probabilities)
{
    ck_assert_double_eq_tol(normal_quantile(.975), 1.959963984540054, 1e-14);
    ck_assert_double_eq_tol(normal_quantile(1e-10), -6.361340902404056, 1e-12);
    ck_assert_double_eq_tol(normal_cdf(-1.959963984540054), .025, 1e-15);
    for (double z = -8; z <= 5; z += .37) {
        ck_assert_double_eq_tol(normal_quantile(normal_cdf(z)), z, 1e-9);
    }
    ck_assert(isinf(normal_quantile(0)) && isinf(normal_quantile(1)));
    ck_assert(isnan(normal_quantile(1.5)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rng");
    TCase *tcase = tcase_create("rng");

    tcase_add_test(tcase, splitmix64_has_its_published_outputs);
    tcase_add_test(tcase, draws_have_the_moments_of_their_distributions);
    tcase_add_test(tcase, quantiles_invert_probabilities);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
