#include "server/model/nondominated.h"

#include <check.h>
#include <math.h>

#include "common/rng.h"
#include "server/model/nondominated_marks.h"
#include "tests/support/run_suite.h"

enum { POINTS = 60, MANY = 400 };

/* (1,5) (2,3) (4,2) are the front, (2,3) twice; behind it (2,4) (4,3) (5,2); then (5,4). */
static const double known[] = {2, 4, 1, 5, 5, 4, 2, 3, 4, 2, 4, 3, 2, 3, 5, 2};

START_TEST(equal_points_share_a_rank)
{
    static const size_t want[] = {1, 0, 2, 0, 0, 1, 0, 1};
    size_t rank[8];

    ck_assert_int_eq(nondominated_ranks(8, 2, known, rank, NULL), 0);
    for (size_t i = 0; i < 8; i++) {
        ck_assert_uint_eq(rank[i], want[i]);
    }
}
END_TEST

START_TEST(the_front_has_each_point_once)
{
    size_t front[8];

    ck_assert_uint_eq(nondominated_front(8, 2, known, front), 3);
    ck_assert_uint_eq(front[0], 1);
    ck_assert_uint_eq(front[1], 3);
    ck_assert_uint_eq(front[2], 4);
    ck_assert_uint_eq(nondominated_front(0, 2, known, front), 0);
    ck_assert_uint_eq(nondominated_front(2, 2, (double[]){1, NAN, INFINITY, 0}, front), 0);
}
END_TEST

/* By the definition: the rank is the number of times that the front must be taken away. */
START_TEST(ranks_are_those_of_the_definition)
{
    struct rng rng = rng_for(5, (uint64_t)_i);
    size_t m = 1 + (size_t)_i % 4;
    double cost[POINTS * 4];
    size_t rank[POINTS], n_left = POINTS;
    bool is_left[POINTS], is_front[POINTS];

    for (size_t i = 0; i < POINTS * m; i++) {
        cost[i] = (double)rng_below(&rng, 8); /* with ties */
    }
    for (size_t i = 0; i < POINTS; i++) {
        is_left[i] = true;
    }
    ck_assert_int_eq(nondominated_ranks(POINTS, m, cost, rank, NULL), 0);
    for (size_t r = 0; n_left > 0; r++) {
        for (size_t i = 0; i < POINTS; i++) {
            is_front[i] = is_left[i];
            for (size_t j = 0; j < POINTS; j++) {
                bool is_better = nondominated_dominates(m, cost + j * m, cost + i * m);
                is_front[i] = is_front[i] && !(is_left[j] && is_better);
            }
        }
        for (size_t i = 0; i < POINTS; i++) {
            ck_assert(!is_left[i] || (rank[i] == r) == is_front[i]);
            is_left[i] = is_left[i] && !is_front[i];
            n_left -= is_front[i];
        }
    }
}
END_TEST

/* Of points with ties, points anywhere, and points of which none dominates another. */
START_TEST(marks_are_those_of_the_definition)
{
    struct rng rng = rng_for(6, (uint64_t)_i);
    size_t m = 1 + (size_t)_i % 5;
    double cost[MANY * 5];
    bool is_dominated[MANY];

    for (size_t i = 0; i < MANY; i++) {
        double sum = 0.0;
        for (size_t k = 0; k < m; k++) {
            cost[i * m + k] = _i % 3 == 0 ? (double)rng_below(&rng, 5) : rng_uniform(&rng);
            sum += cost[i * m + k];
        }
        for (size_t k = 0; k < m && _i % 3 == 1; k++) {
            cost[i * m + k] /= sum;
        }
    }
    ck_assert_int_eq(nondominated_marks(MANY, m, cost, is_dominated, NULL), 0);
    for (size_t i = 0; i < MANY; i++) {
        bool want = false;
        for (size_t j = 0; j < MANY; j++) {
            want = want || nondominated_dominates(m, cost + j * m, cost + i * m);
        }
        ck_assert_msg(is_dominated[i] == want, "point %zu of %zu costs", i, m);
    }
    ck_assert_int_eq(nondominated_marks(0, m, cost, is_dominated, NULL), 0);
}
END_TEST

START_TEST(crowding_is_the_gap_between_neighbours)
{
    const double cost[] = {0, 10, 1, 7, 4, 6, 10, 0, 3, 3};
    static const size_t rank[] = {0, 0, 0, 0, 1};
    double distance[5];

    ck_assert_int_eq(nondominated_crowding(5, 2, cost, rank, distance, NULL), 0);
    ck_assert(isinf(distance[0]) && isinf(distance[3]) && isinf(distance[4]));
    ck_assert_double_eq_tol(distance[1], .4 + .4, 1e-15);
    ck_assert_double_eq_tol(distance[2], .9 + .7, 1e-15);
    ck_assert_int_eq(nondominated_crowding(4, 2, cost, NULL, distance, NULL), 0);
    ck_assert_double_eq_tol(distance[2], .9 + .7, 1e-15);
}
END_TEST

START_TEST(a_cost_without_a_range_adds_no_distance)
{
    const double cost[] = {0, 5, 1, 5, 3, 5};
    double distance[3];

    ck_assert_int_eq(nondominated_crowding(3, 2, cost, NULL, distance, NULL), 0);
    ck_assert_double_eq_tol(distance[1], 1, 1e-15);
}
END_TEST

/* A gap and the range are both greater than the greatest number here. */
START_TEST(crowding_of_a_great_range_is_a_number)
{
    const double cost[] = {-1.6e308, 1.6e308, 1.5e308, -1.4e308, 1.6e308, -1.6e308};
    double distance[3];

    ck_assert_int_eq(nondominated_crowding(3, 2, cost, NULL, distance, NULL), 0);
    ck_assert_double_eq_tol(distance[1], 2, 1e-15);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nondominated");
    TCase *tcase = tcase_create("nondominated");

    tcase_add_test(tcase, equal_points_share_a_rank);
    tcase_add_test(tcase, the_front_has_each_point_once);
    tcase_add_loop_test(tcase, ranks_are_those_of_the_definition, 0, 12);
    tcase_add_loop_test(tcase, marks_are_those_of_the_definition, 0, 15);
    tcase_add_test(tcase, crowding_is_the_gap_between_neighbours);
    tcase_add_test(tcase, a_cost_without_a_range_adds_no_distance);
    tcase_add_test(tcase, crowding_of_a_great_range_is_a_number);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
