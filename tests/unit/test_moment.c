/* common/moment.h */
#include "common/moment.h"

#include <check.h>
#include <inttypes.h>

#include "tests/support/run_suite.h"

static const struct {
    const char *text;
    int64_t wall_ms;
} moments[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-11-24T21:32:37Z", INT64_C(1795555957000)},
    {"2026-11-24 21:32:37z", INT64_C(1795555957000)},
    {"2026-11-24T22:32:37.5+01:00", INT64_C(1795555957500)},
    {"2026-11-24T15:02:37.12345678901234567890-06:30", INT64_C(1795555957123)},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
};

START_TEST(a_moment_is_read)
{
    int64_t wall_ms;

    ck_assert(moment_read(moments[_i].text, &wall_ms));
    ck_assert_int_eq(wall_ms, moments[_i].wall_ms);
}
END_TEST

static const char *const others[] = {
    "",
    "yesterday",
    "2026-11-24",
    "2026-11-24T21:32Z",
    "2026-11-24T21:32:37",
    "2026-11-24T21:32:37.Z",
    "2026-11-24T21:32:37.5",
    "2026-11-24T21:32:37Z ",
    "2026-11-24T21:32:37+1:00",
    "2026-11-24T21:32:37+01:60",
    "2026-11-24T21:32:37+24:00",
    "2026-13-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-11-24T24:00:00Z",
    "26-11-24T21:32:37Z",
};

START_TEST(what_is_no_moment_is_refused)
{
    int64_t wall_ms;

    ck_assert(!moment_read(others[_i], &wall_ms));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("moment");
    TCase *tcase = tcase_create("moment");

    tcase_add_loop_test(tcase, a_moment_is_read, 0, sizeof moments / sizeof moments[0]);
    tcase_add_loop_test(tcase, what_is_no_moment_is_refused, 0, sizeof others / sizeof others[0]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
