#include "common/step.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_suite.h"

static const struct {
    int64_t step;
    int digits;
    const char *text;
} formats[] = {
    {0, 0, "0"},
    {9007199254740991, 0, "9007199254740991"},
    {0, 4, "0"},
    {2500, 4, "0.25"},
    {160000, 4, "16"},
    {164200, 4, "16.42"},
    {1, 12, "0.000000000001"},
    {INT64_C(1000000000000000), 12, "1000"},
    {INT64_C(999999999999999), 3, "999999999999.999"},
};

START_TEST(a_step_is_printed_in_decimal)
{
    char text[STEP_BYTES];
    OWN(buf) struct buf out;
    struct json_writer w;

    ck_assert_str_eq(step_format(formats[_i].step, formats[_i].digits, text), formats[_i].text);
    buf_init(&out, 100);
    json_writer_init(&w, &out);
    json_write_step(&w, formats[_i].step, formats[_i].digits);
    ck_assert_str_eq(buf_text(&out), formats[_i].text);
}
END_TEST

START_TEST(one_of_a_resource_is_singular)
{
    static const struct {
        const char *step, *resource;
        int bytes;
    } units[] = {{"1", "epochs", 5},  {"3", "epochs", 6}, {"0.1", "epochs", 6}, {"1", "passes", 4},
                 {"1", "batches", 5}, {"1", "boxes", 3},  {"1", "loss", 4},     {"1", "s", 1},
                 {"1", "GiB", 3},     {"1", "", 0}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        ck_assert_int_eq(step_unit_bytes(units[i].step, units[i].resource), units[i].bytes);
    }
}
END_TEST

/* What a JSON number carries is the step itself, whatever the number of digits. */
START_TEST(a_step_survives_as_a_number)
{
    for (int digits = 0; digits <= STEP_DIGITS_MAX; digits++) {
        uint64_t x = 1;
        for (int i = 0; i < 5000; i++) {
            char text[STEP_BYTES];
            int64_t back = -1;
            x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            int64_t step = (int64_t)(x >> 14) % (step_most(digits) + 1);
            double number = strtod(step_format(step, digits, text), NULL);
            ck_assert_msg(number == step_number(step, digits), "%s", text);
            ck_assert_msg(step_from_number(number, digits, &back) && back == step,
                          "%s comes back as %" PRId64, text, back);
            ck_assert_int_le(step_decimals(number), digits);
        }
    }
}
END_TEST

static const struct {
    double number;
    int digits;
    int64_t step; /* -1: refused */
} numbers[] = {
    {4, 0, 4},
    {4.5, 0, -1},
    {-1, 0, -1},
    {0x1p53, 0, -1},
    {0x1p53 - 1, 0, INT64_C(9007199254740991)},
    {0.1 * 3, 4, 3000},            /* 0.30000000000000004 */
    {0.7999999999999999, 4, 8000}, /* eight times 0.1, added up */
    {12.3456789, 3, 12346},
    {12.3454321, 3, 12345},
    {0.0005, 3, 1},
    {0.0004999, 3, 0},
    {-0.0001, 3, -1},
    {1e12, 3, INT64_C(1000000000000000)},
    {1.1e12, 3, -1},
};

START_TEST(a_number_is_the_nearest_step)
{
    int64_t step = -1;

    ck_assert_int_eq(step_from_number(numbers[_i].number, numbers[_i].digits, &step),
                     numbers[_i].step >= 0);
    ck_assert_int_eq(step, numbers[_i].step);
}
END_TEST

START_TEST(no_number_is_no_step)
{
    int64_t step;

    for (int digits = 0; digits <= 3; digits += 3) {
        ck_assert(!step_from_number((double)NAN, digits, &step));
        ck_assert(!step_from_number((double)INFINITY, digits, &step));
        ck_assert(!step_from_number(-(double)INFINITY, digits, &step));
    }
}
END_TEST

START_TEST(a_unit_is_a_power_of_ten)
{
    ck_assert_int_eq(step_unit_digits(1), 0);
    ck_assert_int_eq(step_unit_digits(0.001), 3);
    ck_assert_int_eq(step_unit_digits(1e-12), 12);
    ck_assert_int_eq(step_unit_digits(1e-13), -1);
    ck_assert_int_eq(step_unit_digits(0.5), -1);
    ck_assert_int_eq(step_unit_digits(10), -1);
    ck_assert_int_eq(step_unit_digits((double)NAN), -1);
}
END_TEST

static const struct {
    double min, max, step;
    int digits;
} units[] = {
    {1, 81, NAN, 0},      {1, 81, 3, 0},           {0.25, 16, NAN, 5},  {0.25, 16, 0.125, 6},
    {1, 16, 0.5, 4},      {0.5, 1e12, NAN, 3},     {1e-12, 1, NAN, 12}, {1e-13, 1, NAN, -1},
    {1e-9, 1e9, NAN, -1}, {0.001, 999999.5, 1, 6},
};

START_TEST(a_unit_is_finer_than_what_is_said)
{
    ck_assert_int_eq(step_default_digits(units[_i].min, units[_i].max, units[_i].step),
                     units[_i].digits);
}
END_TEST

static const struct {
    const char *object;
    int64_t step; /* -1: the fallback */
    const char *fault;
} members[] = {
    {"{}", -1, NULL},
    {"{\"s\": null}", -1, NULL},
    {"{\"s\": 0.25}", 250, NULL},
    {"{\"s\": 4}", 4000, NULL},
    {"{\"s\": 0.2505}", -1, "has more decimals than the resource's unit, 0.001"},
    {"{\"s\": 0.05}", -1, "must lie between 0.1 and 9"},
    {"{\"s\": 9.5}", -1, "must lie between 0.1 and 9"},
    {"{\"s\": -1}", -1, "must lie between 0 and 1000000000000"},
    {"{\"s\": \"4\"}", -1, "must be a finite number"},
};

START_TEST(a_member_is_read_as_it_stands)
{
    json_auto_t *object = json_loads(members[_i].object, 0, NULL);
    struct faults faults = {0};
    struct fields fields;

    fields_begin(&fields, object, "", &faults);
    ck_assert_int_eq(fields_step(&fields, "s", 3, -1, 100, 9000), members[_i].step);
    ck_assert_uint_eq(faults.total, members[_i].fault != NULL);
    if (members[_i].fault != NULL) {
        ck_assert_str_eq(faults.items[0].pointer, "/s");
        ck_assert_str_eq(faults.items[0].detail, members[_i].fault);
    }
    faults_finish(&faults);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

int main(void)
{
    Suite *suite = suite_create("step");
    TCase *tcase = tcase_create("step");

    tcase_add_loop_test(tcase, a_step_is_printed_in_decimal, 0, COUNT(formats));
    tcase_add_test(tcase, one_of_a_resource_is_singular);
    tcase_add_test(tcase, a_step_survives_as_a_number);
    tcase_add_loop_test(tcase, a_number_is_the_nearest_step, 0, COUNT(numbers));
    tcase_add_test(tcase, no_number_is_no_step);
    tcase_add_test(tcase, a_unit_is_a_power_of_ten);
    tcase_add_loop_test(tcase, a_unit_is_finer_than_what_is_said, 0, COUNT(units));
    tcase_add_loop_test(tcase, a_member_is_read_as_it_stands, 0, COUNT(members));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
