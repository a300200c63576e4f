#include "common/metric_bound.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "tests/support/run_suite.h"

static struct metric_bound parse(const char *text)
{
    struct metric_bound bound;
    struct err err = {0};

    ck_assert_msg(metric_bound_parse(text, &bound, &err) == 0, "%s: %s", text, err.text);
    return bound;
}

static const struct {
    const char *text, *metric;
    bool is_lower;
    double limit;
    const char *normalised;
} accepted[] = {
    {"p99_ms <= 500", "p99_ms", false, 500, "p99_ms <= 500"},
    {"p99_ms<=500", "p99_ms", false, 500, "p99_ms <= 500"},
    {" \tval/acc >= 9e-1 ", "val/acc", true, 0.9, "val/acc >= 0.9"},
    {"drift <= -.5", "drift", false, -0.5, "drift <= -0.5"},
    {"drift <= +1.", "drift", false, 1, "drift <= 1"},
    {"drift >= -0", "drift", true, 0, "drift >= 0"},
    {"peak memory (MiB) <= 70000", "peak memory (MiB)", false, 70000, "peak memory (MiB) <= 70000"},
    {"`p99_ms`<=500", "p99_ms", false, 500, "p99_ms <= 500"},
    {"`a<=b` >= 1", "a<=b", true, 1, "`a<=b` >= 1"},
    {"`a``b` <= 1", "a`b", false, 1, "`a``b` <= 1"},
    {"a`b <= 1", "a`b", false, 1, "`a``b` <= 1"},
    {"latence é <= 2", "latence é", false, 2, "latence é <= 2"},
    {"100 <= 5", "100", false, 5, "100 <= 5"},
};

START_TEST(a_bound_is_read_and_printed)
{
    struct metric_bound bound = parse(accepted[_i].text);
    char text[METRIC_BOUND_BYTES];

    ck_assert_str_eq(bound.metric, accepted[_i].metric);
    ck_assert_int_eq(bound.is_lower, accepted[_i].is_lower);
    ck_assert_double_eq(bound.limit, accepted[_i].limit);
    ck_assert(!signbit(bound.limit) || bound.limit < 0);
    ck_assert_str_eq(metric_bound_text(&bound, text), accepted[_i].normalised);
    struct metric_bound again = parse(text);
    ck_assert_str_eq(again.metric, bound.metric);
    ck_assert_double_eq(again.limit, bound.limit);
}
END_TEST

static const struct {
    const char *text, *says;
} refused[] = {
    {"", "names no metric"},
    {"<= 500", "names no metric"},
    {"`` <= 500", "names no metric"},
    {"p99_ms", "neither <= nor >="},
    {"p99_ms 500", "neither <= nor >="},
    {"p99_ms < 500", "write <="},
    {"p99_ms>500", "write >="},
    {"p99_ms = 500", "an upper or a lower bound"},
    {"p99_ms == 500", "an upper or a lower bound"},
    {"p99_ms != 500", "an upper or a lower bound"},
    {"p99_ms <=", "no number"},
    {"p99_ms <= 500ms", "without a unit"},
    {"p99_ms <= 0x10", "no finite number"},
    {"p99_ms <= inf", "no finite number"},
    {"p99_ms <= nan", "no finite number"},
    {"p99_ms <= 1e999", "no finite number"},
    {"p99_ms <= limit", "no finite number"},
    {"p99_ms <= 1 2", "no finite number"},
    {"p99_ms <= 111111111111111111111111111111111111111111111111111111111111111111",
     "no finite number"},
    {"500 >= p99_ms", "metric first"},
    {"1 <= p99_ms <= 500", "two constraints"},
    {"`p99_ms <= 500", "the closing `"},
    {"` p99` <= 500", "no metric name"},
    {"a\x01 <= 500", "no metric name"},
};

START_TEST(anything_else_is_refused_with_what_to_write)
{
    struct metric_bound bound;
    struct err err = {0};

    ck_assert_int_eq(metric_bound_parse(refused[_i].text, &bound, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    ck_assert_msg(strstr(err.text, refused[_i].says) != NULL, "%s: %s", refused[_i].text, err.text);
}
END_TEST

START_TEST(the_longest_name_is_taken_and_no_longer_one)
{
    char text[METRIC_BOUND_BYTES + 16];
    char again[METRIC_BOUND_BYTES];
    struct metric_bound bound;
    struct err err = {0};

    for (int quoted = 0; quoted < 2; quoted++) {
        size_t at = (size_t)quoted;
        text[0] = '`';
        memset(text + at, 'm', 128);
        strcpy(text + at + 128, quoted != 0 ? "` <= 5" : " <= 5");
        ck_assert_int_eq(metric_bound_parse(text, &bound, &err), 0);
        ck_assert_uint_eq(strlen(bound.metric), 128);
        memset(text + at, 'm', METRIC_NAME_BYTES + 1);
        strcpy(text + at + METRIC_NAME_BYTES + 1, quoted != 0 ? "` <= 5" : " <= 5");
        ck_assert_int_eq(metric_bound_parse(text, &bound, &err), -1);
    }
    struct metric_bound widest = {.limit = -1.2345678901234567e-300};
    memset(widest.metric, '`', 128);
    struct metric_bound back = parse(metric_bound_text(&widest, again));
    ck_assert_str_eq(back.metric, widest.metric);
    ck_assert_double_eq(back.limit, widest.limit);
}
END_TEST

static const double NONE = (double)NAN;

static const struct {
    double values[2]; /* of p99_ms <= 500 and accuracy >= 0.8 */
    enum feasibility feasibility;
    double violation;
} trials[] = {
    {{500, 0.8}, FEASIBLE, 0},
    {{-1e9, 1e9}, FEASIBLE, 0},
    {{600, 0.9}, VIOLATES, 0.2},
    {{400, 0.6}, VIOLATES, 0.25},
    {{600, 0.6}, VIOLATES, 0.45},
    {{NONE, 0.9}, FEASIBILITY_UNKNOWN, INFINITY},
    {{NONE, 0.6}, VIOLATES, INFINITY},
    {{600, NONE}, VIOLATES, INFINITY},
    {{NONE, NONE}, FEASIBILITY_UNKNOWN, INFINITY},
    {{INFINITY, 0.9}, VIOLATES, INFINITY},
    {{-INFINITY, 0.9}, FEASIBLE, 0},
};

START_TEST(violations_add_up_in_units_of_their_limits)
{
    const struct metric_bound bounds[] = {parse("p99_ms <= 500"), parse("accuracy >= 0.8")};
    const double *values = trials[_i].values;
    double violation = constraint_violation(2, bounds, values);

    ck_assert_int_eq(feasibility_of(2, bounds, values), trials[_i].feasibility);
    if (isinf(trials[_i].violation)) {
        ck_assert(isinf(violation) && violation > 0);
    } else {
        ck_assert_double_eq_tol(violation, trials[_i].violation, 1e-12);
    }
    ck_assert(trials[_i].feasibility != FEASIBLE || violation <= 0);
}
END_TEST

START_TEST(without_values_nothing_is_known_and_without_bounds_all_is_feasible)
{
    const struct metric_bound zero = parse("drift <= 0");
    const double value = 0.25;

    ck_assert_int_eq(feasibility_of(1, &zero, NULL), FEASIBILITY_UNKNOWN);
    ck_assert(isinf(constraint_violation(1, &zero, NULL)));
    ck_assert_double_eq(constraint_violation(1, &zero, &value), 0.25);
    ck_assert_int_eq(feasibility_of(0, NULL, NULL), FEASIBLE);
    ck_assert_double_eq(constraint_violation(0, NULL, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metric_bound");
    TCase *tcase = tcase_create("bounds");

    tcase_add_loop_test(tcase, a_bound_is_read_and_printed, 0,
                        (int)(sizeof accepted / sizeof accepted[0]));
    tcase_add_loop_test(tcase, anything_else_is_refused_with_what_to_write, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tcase, the_longest_name_is_taken_and_no_longer_one);
    tcase_add_loop_test(tcase, violations_add_up_in_units_of_their_limits, 0,
                        (int)(sizeof trials / sizeof trials[0]));
    tcase_add_test(tcase, without_values_nothing_is_known_and_without_bounds_all_is_feasible);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
