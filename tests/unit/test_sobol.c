#include "server/strategy/sobol/sobol.h"

#include <check.h>
#include <stdlib.h>

#include "common/own.h"
#include "tests/support/run_suite.h"

/* Gray-code order, unscrambled; the first nine points of the published sequence. */
static const double published[9][6] = {
    {0, 0, 0, 0, 0, 0},
    {.5, .5, .5, .5, .5, .5},
    {.75, .25, .25, .25, .75, .75},
    {.25, .75, .75, .75, .25, .25},
    {.375, .375, .625, .875, .375, .125},
    {.875, .875, .125, .375, .875, .625},
    {.625, .125, .875, .625, .625, .875},
    {.125, .625, .375, .125, .125, .375},
    {.1875, .3125, .9375, .4375, .5625, .3125},
};

START_TEST(first_points_are_the_published_ones)
{
    double u[6];

    sobol_point(6, (uint64_t)_i, 0, u);
    for (int dim = 0; dim < 6; dim++) {
        ck_assert_double_eq(u[dim], published[_i][dim]);
    }
}
END_TEST

/* Taken from scipy.stats.qmc.Sobol 1.17, an implementation of its own on the same numbers. */
static const struct {
    uint64_t index;
    size_t dim;
    double u;
} far[] = {
    {1000, 1, 0.2197265625},           {1000, 7, 0.0458984375},
    {1000, 50, 0.4794921875},          {1000, 100, 0.1865234375},
    {1000, 200, 0.8427734375},         {1000, 256, 0.2490234375},
    {123456, 1, 0.02649688720703125},  {123456, 7, 0.7158279418945312},
    {123456, 50, 0.16037750244140625}, {123456, 100, 0.9257736206054688},
    {123456, 200, 0.6844558715820312}, {123456, 256, 0.48700714111328125},
};

START_TEST(far_dimensions_agree_with_another_implementation)
{
    double u[SOBOL_DIMS_MAX];

    sobol_point(far[_i].dim, far[_i].index, 0, u);
    ck_assert_double_eq(u[far[_i].dim - 1], far[_i].u);
}
END_TEST

/* Every block of 2^k points hits each interval of width 2^-k once, in every dimension. */
static void check_stratified(uint64_t key, uint64_t from, int k)
{
    size_t n = (size_t)1 << k;
    OWN(memory) char *hit = calloc(SOBOL_DIMS_MAX, n);
    double u[SOBOL_DIMS_MAX];

    for (uint64_t i = 0; i < n; i++) {
        sobol_point(SOBOL_DIMS_MAX, from * n + i, key, u);
        for (size_t dim = 0; dim < SOBOL_DIMS_MAX; dim++) {
            size_t cell = (size_t)(u[dim] * (double)n);
            if (!(u[dim] >= 0 && u[dim] < 1) || hit[dim * n + cell]++ > 0) {
                ck_abort_msg("dimension %zu, point %zu: %.17g", dim, (size_t)i, u[dim]);
            }
        }
    }
}

START_TEST(every_block_is_stratified_in_every_dimension)
{
    check_stratified(0, 0, 10);
    check_stratified(0, 5, 8);
    check_stratified(1, 0, 10);
    check_stratified(UINT64_C(0x123456789abcdef), 3, 9);
}
END_TEST

START_TEST(keys_scramble_differently)
{
    double a[3];
    double b[3];

    sobol_point(3, 0, 1, a);
    sobol_point(3, 0, 2, b);
    for (int dim = 0; dim < 3; dim++) {
        ck_assert_double_ne(a[dim], 0);
        ck_assert_double_ne(a[dim], b[dim]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sobol");
    TCase *tcase = tcase_create("sobol");

    tcase_add_loop_test(tcase, first_points_are_the_published_ones, 0, 9);
    tcase_add_loop_test(tcase, far_dimensions_agree_with_another_implementation, 0,
                        (int)(sizeof far / sizeof far[0]));
    tcase_add_test(tcase, every_block_is_stratified_in_every_dimension);
    tcase_add_test(tcase, keys_scramble_differently);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
