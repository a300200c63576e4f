/* The vectors were computed by counting, in exact fractions, the cells of the grid that all
 * coordinates span. */
#include "server/model/hypervolume.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "tests/support/run_suite.h"

enum { POINTS = 12, COSTS = 5 };

#define NEAR(got, want)                                                                            \
    do {                                                                                           \
        double got_ = (got);                                                                       \
        double want_ = (want);                                                                     \
        ck_assert_msg(fabs(got_ - want_) <= 1e-13, "%s = %.15g, not %.15g", #got, got_, want_);    \
    } while (0)

static const struct {
    size_t n, m;
    double volume;
    double cost[POINTS * 3]; /* in hundredths */
} vectors[] = {
    {12, 2, .7959, {41, 19, 50, 83, 6,  9, 68, 12, 46, 74, 7, 64,
                    27, 4,  11, 55, 53, 8, 30, 11, 70, 54, 7, 72}},
    {9, 3, .593307, {15, 28, 80, 80, 74, 7,  73, 74, 50, 6,  28, 5,  71, 17,
                     37, 53, 18, 69, 15, 73, 39, 71, 87, 23, 13, 74, 73}},
    {7, 4, .18058658, {81, 24, 47, 12, 70, 91, 8,  72, 7,  79, 26, 63, 87, 68,
                       54, 99, 40, 59, 74, 58, 46, 38, 31, 23, 89, 99, 31, 10}},
    {5, 5, .067328576, {73, 38, 67, 63, 43, 93, 57, 36, 77, 9,  15, 65, 53,
                        21, 96, 43, 19, 62, 53, 5,  85, 9,  97, 71, 73}},
};

static double volume_of(size_t n, size_t m, const double cost[])
{
    static const double reference[COSTS] = {.9, 1, 1, 1, 1};
    double volume = -1.0;

    ck_assert_int_eq(hypervolume(n, m, cost, reference, &volume, NULL), 0);
    return volume;
}

START_TEST(volumes_have_their_values)
{
    double cost[POINTS * 3];

    for (size_t i = 0; i < vectors[_i].n * vectors[_i].m; i++) {
        cost[i] = vectors[_i].cost[i] / 100.0;
    }
    NEAR(volume_of(vectors[_i].n, vectors[_i].m, cost), vectors[_i].volume);
}
END_TEST

START_TEST(one_cost_is_an_interval)
{
    NEAR(volume_of(3, 1, (double[]){.5, .2, .7}), .7);
    NEAR(volume_of(2, 1, (double[]){.9, 3}), 0);
    NEAR(volume_of(0, 1, NULL), 0);
}
END_TEST

/* A point beyond the reference, one that is not a number, dominated and equal ones. */
START_TEST(points_that_add_nothing_change_nothing)
{
    const double cost[] = {.2, .3,      .4, /**/ .3, .3,      .4, /**/ .2, .3,
                           .4, /**/ .1, 1,  .1,      /**/ .1, .1, NAN};

    NEAR(volume_of(5, 3, cost), .7 * .7 * .6);
    NEAR(volume_of(1, 3, cost), .7 * .7 * .6);
}
END_TEST

/* The volume is that of all points whatever their order and that of the costs; and it is the sum of
 * the exclusive volume of one point and the volume of the others. */
START_TEST(order_does_not_matter)
{
    struct rng rng = rng_for(3, (uint64_t)_i);
    size_t m = 2 + (size_t)_i % 3;
    size_t n = POINTS;
    double cost[POINTS * COSTS], other[POINTS * COSTS], share[POINTS], without;
    static const double reference[COSTS] = {1, 1, 1, 1, 1};
    double volume, again;

    for (size_t i = 0; i < n * m; i++) {
        cost[i] = rng_uniform(&rng);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < m; k++) {
            other[(n - 1 - i) * m + (k + 1) % m] = cost[i * m + k];
        }
    }
    ck_assert_int_eq(hypervolume(n, m, cost, reference, &volume, NULL), 0);
    ck_assert_int_eq(hypervolume(n, m, other, reference, &again, NULL), 0);
    NEAR(again, volume);
    ck_assert_int_eq(hypervolume_contributions(n, m, cost, reference, share, NULL), 0);
    ck_assert_int_eq(hypervolume(n - 1, m, cost, reference, &without, NULL), 0);
    ck_assert(volume >= without);
    NEAR(share[n - 1], volume - without);
}
END_TEST

/* Points that come one after the other add up to the volume of all of them; what is dominated,
 * equal to another, or beyond the reference adds nothing. */
START_TEST(what_each_adds_sums_to_the_volume)
{
    struct rng rng = rng_for(4, (uint64_t)_i);
    size_t m = 1 + (size_t)_i % 4;
    double cost[POINTS * COSTS], added;
    static const double reference[COSTS] = {.8, .9, 1, 1, 1};
    double sum = 0.0;

    for (size_t i = 0; i < POINTS * m; i++) {
        cost[i] = rng_uniform(&rng);
    }
    memcpy(cost + 5 * m, cost + 2 * m, m * sizeof *cost);
    for (size_t i = 0; i < POINTS; i++) {
        double before, after;
        ck_assert_int_eq(hypervolume(i, m, cost, reference, &before, NULL), 0);
        ck_assert_int_eq(hypervolume(i + 1, m, cost, reference, &after, NULL), 0);
        ck_assert_int_eq(hypervolume_added(i, m, cost, reference, cost + i * m, &added, NULL), 0);
        NEAR(added, after - before);
        ck_assert(added >= 0);
        ck_assert(i != 5 || fabs(added) < 1e-15);
        sum += added;
    }
    NEAR(volume_of(0, m, cost), 0);
    ck_assert_int_eq(hypervolume(POINTS, m, cost, reference, &added, NULL), 0);
    NEAR(sum, added);
}
END_TEST

/* Volumes beyond the largest double are infinite, and never not a number. */
START_TEST(a_volume_out_of_range_is_infinite)
{
    static const double reference[2] = {1.7e308, 1.7e308};
    static const double cost[4] = {-1.7e308, 1e308, 1e308, -1.7e308};
    double added = -1.0;

    ck_assert_int_eq(hypervolume_added(0, 2, NULL, reference, cost, &added, NULL), 0);
    ck_assert(isinf(added));
    ck_assert_int_eq(hypervolume_added(1, 2, cost, reference, cost + 2, &added, NULL), 0);
    ck_assert(!isnan(added));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hypervolume");
    TCase *tcase = tcase_create("hypervolume");

    tcase_add_loop_test(tcase, what_each_adds_sums_to_the_volume, 0, 20);
    tcase_add_test(tcase, a_volume_out_of_range_is_infinite);
    tcase_add_loop_test(tcase, volumes_have_their_values, 0,
                        (int)(sizeof vectors / sizeof vectors[0]));
    tcase_add_test(tcase, one_cost_is_an_interval);
    tcase_add_test(tcase, points_that_add_nothing_change_nothing);
    tcase_add_loop_test(tcase, order_does_not_matter, 0, 12);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
