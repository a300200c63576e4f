/* The line of the best values so far: the same whether trials come at once or one by one. */
#include <check.h>
#include <math.h>

#include "server/analysis/spark.h"
#include "tests/support/run_suite.h"

static const struct study_def lower = {.n_objectives = 1,
                                       .objectives = {{.direction = DIRECTION_MINIMIZE}}};

static double value_of(int64_t number)
{
    return fabs(sin((double)number * 12.9898)) * 1000 / (double)number;
}

static void add(struct trace *trace, int64_t number, double value)
{
    struct trial_row row = {
        .id = trial_id(1, number), .n_values = 1, .values = {value}, .ended_seq = number};

    ck_assert_int_eq(trace_add(trace, &row, NULL), 0);
}

START_TEST(it_does_not_matter_how_they_come)
{
    OWN(trace) struct trace all = {.def = &lower};
    OWN(trace) struct trace some = {.def = &lower};
    struct spark at_once = {0};
    struct spark in_parts = {0};
    double points[2][SPARK_POINTS];

    for (int64_t number = 1; number <= 500; number++) {
        add(&all, number, value_of(number));
        add(&some, number, value_of(number));
        if (number % 7 == 0 || number == 500) {
            spark_extend(&in_parts, &some);
            ck_assert_uint_eq(some.n, 0);
        }
    }
    spark_extend(&at_once, &all);
    ck_assert_uint_eq(spark_points(&at_once, points[0]), SPARK_POINTS);
    ck_assert_uint_eq(spark_points(&in_parts, points[1]), SPARK_POINTS);
    double best = INFINITY;
    int64_t number = 1;
    for (size_t i = 0; i < SPARK_POINTS; i++) {
        for (; number <= 500 * (int64_t)(i + 1) / SPARK_POINTS; number++) {
            best = fmin(best, value_of(number));
        }
        ck_assert_double_eq_tol(points[0][i], best, 1e-12);
        ck_assert_double_eq_tol(points[1][i], best, 1e-12);
    }
}
END_TEST

START_TEST(few_trials_have_few_points)
{
    OWN(trace) struct trace trace = {.def = &lower};
    struct spark spark = {0};
    double points[SPARK_POINTS];

    ck_assert_uint_eq(spark_points(&spark, points), 0);
    add(&trace, 1, 5);
    add(&trace, 2, 7);
    add(&trace, 3, 4);
    spark_extend(&spark, &trace);
    ck_assert_uint_eq(spark_points(&spark, points), 3);
    ck_assert_double_eq(points[0], 5);
    ck_assert_double_eq(points[1], 5);
    ck_assert_double_eq(points[2], 4);
}
END_TEST

START_TEST(a_line_that_always_improves_is_kept_within_its_bounds)
{
    OWN(trace) struct trace trace = {.def = &lower};
    struct spark spark = {0};
    double points[SPARK_POINTS];

    for (int64_t number = 1; number <= 5000; number++) {
        add(&trace, number, (double)-number);
        spark_extend(&spark, &trace);
        ck_assert_uint_le(spark.n, SPARK_KEPT);
    }
    ck_assert_uint_eq(spark_points(&spark, points), SPARK_POINTS);
    for (size_t i = 1; i < SPARK_POINTS; i++) {
        ck_assert_double_le(points[i], points[i - 1]);
    }
    ck_assert_double_eq(points[SPARK_POINTS - 1], -5000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spark");
    TCase *tcase = tcase_create("lines");

    tcase_add_test(tcase, it_does_not_matter_how_they_come);
    tcase_add_test(tcase, few_trials_have_few_points);
    tcase_add_test(tcase, a_line_that_always_improves_is_kept_within_its_bounds);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
