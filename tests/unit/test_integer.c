/* Integers at the ends of their type. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/integer.h"
#include "tests/support/run_suite.h"

static const struct {
    const char *text;
    bool is_read;
    int64_t value;
} texts[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"007", true, 7},
    {"-1", true, -1},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"99999999999999999999999999", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"--1", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"1.5", false, 0},
    {"1e3", false, 0},
    {"0x10", false, 0},
    {"\xd9\xa1", false, 0}, /* a digit of another script */
};

START_TEST(text_is_read_to_the_ends_of_the_type)
{
    int64_t value = -77;

    ck_assert_msg(integer_from_text(texts[_i].text, INT64_MIN, INT64_MAX, &value)
                      == texts[_i].is_read,
                  "%s", texts[_i].text);
    ck_assert_int_eq(value, texts[_i].is_read ? texts[_i].value : -77);
}
END_TEST

START_TEST(bounds_are_part_of_the_range)
{
    int64_t value = -77;

    ck_assert(integer_from_text("3", 3, 5, &value));
    ck_assert(integer_from_text("5", 3, 5, &value));
    ck_assert_int_eq(value, 5);
    ck_assert(!integer_from_text("2", 3, 5, &value));
    ck_assert(!integer_from_text("6", 3, 5, &value));
    ck_assert_int_eq(value, 5);
}
END_TEST

START_TEST(reading_stops_behind_the_digits)
{
    const char *at = "12_-3x";
    int64_t value;

    ck_assert(integer_read(&at, 0, 100, &value));
    ck_assert_int_eq(value, 12);
    ck_assert_str_eq(at, "_-3x");
    ck_assert(!integer_read(&at, 0, 100, &value));
    ck_assert_str_eq(at, "_-3x");
    at++;
    ck_assert(integer_read(&at, -5, 5, &value));
    ck_assert_int_eq(value, -3);
    ck_assert_str_eq(at, "x");
}
END_TEST

START_TEST(sums_stop_at_the_ends_of_the_type)
{
    ck_assert_int_eq(integer_add(2, 3), 5);
    ck_assert_int_eq(integer_add(INT64_MAX, -1), INT64_MAX - 1);
    ck_assert_int_eq(integer_add(INT64_MAX, 1), INT64_MAX);
    ck_assert_int_eq(integer_add(1, INT64_MAX), INT64_MAX);
    ck_assert_int_eq(integer_add(INT64_MIN, -1), INT64_MIN);
    ck_assert_int_eq(integer_add(INT64_MIN, INT64_MIN), INT64_MIN);
}
END_TEST

START_TEST(reals_stop_at_the_ends_of_the_type)
{
    ck_assert_int_eq(integer_from_real(2.9), 2);
    ck_assert_int_eq(integer_from_real(-2.9), -2);
    ck_assert_int_eq(integer_from_real((double)NAN), 0);
    ck_assert_int_eq(integer_from_real(0x1p63), INT64_MAX);
    ck_assert_int_eq(integer_from_real(1e308), INT64_MAX);
    ck_assert_int_eq(integer_from_real((double)INFINITY), INT64_MAX);
    ck_assert_int_eq(integer_from_real(-0x1p63), INT64_MIN);
    ck_assert_int_eq(integer_from_real(-1e308), INT64_MIN);
    ck_assert_int_eq(integer_from_real(0x1p63 - 1024), INT64_MAX - 1023);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("integer");
    TCase *texts_case = tcase_create("text");
    TCase *sums_case = tcase_create("arithmetic");

    tcase_add_loop_test(texts_case, text_is_read_to_the_ends_of_the_type, 0,
                        sizeof texts / sizeof texts[0]);
    tcase_add_test(texts_case, bounds_are_part_of_the_range);
    tcase_add_test(texts_case, reading_stops_behind_the_digits);
    tcase_add_test(sums_case, sums_stop_at_the_ends_of_the_type);
    tcase_add_test(sums_case, reals_stop_at_the_ends_of_the_type);
    suite_add_tcase(suite, texts_case);
    suite_add_tcase(suite, sums_case);
    return run_suite(suite);
}
