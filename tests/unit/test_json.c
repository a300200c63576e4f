#include "common/json.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_value.h"
#include "tests/support/run_suite.h"

static const struct {
    double x;
    const char *text;
} numbers[] = {
    {0.1, "0.1"},
    {1e-5, "1e-05"},
    {-0.0, "0"},
    {1e15, "1e+15"},
    {123456789, "123456789"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1.0 / 3, "0.3333333333333333"},
};

START_TEST(number_prints_in_the_shortest_form_that_reads_back)
{
    char text[JSON_NUMBER_BYTES];

    (void)json_format_number(numbers[_i].x, text);
    ck_assert_str_eq(text, numbers[_i].text);
    ck_assert_double_eq(strtod(text, NULL), numbers[_i].x);
}
END_TEST

static const struct {
    const char *text;
    enum err_code code;
} refused[] = {
    {"{\"a\":1,\"a\":2}", ERR_MALFORMED},
    {"[NaN]", ERR_MALFORMED},
    {"\"\xff\"", ERR_MALFORMED},
    {"{} x", ERR_MALFORMED},
    {"", ERR_MALFORMED},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", ERR_MALFORMED},
};

START_TEST(hostile_text_is_refused)
{
    json_t *value = NULL;
    struct err err = {0};

    ck_assert_int_eq(
        json_parse(refused[_i].text, strlen(refused[_i].text), &json_limits_default, &value, &err),
        -1);
    ck_assert_int_eq(err.code, refused[_i].code);
    ck_assert_ptr_null(value);
}
END_TEST

/* What jansson has no type for: its nearest double, and the text it is written as again. */
static const struct {
    const char *text;
    double nearest;
    bool is_big;
} exact[] = {
    {"9223372036854775807", 0x1p63, false},
    {"-9223372036854775808", -0x1p63, false},
    {"9223372036854775808", 0x1p63, true},
    {"-9223372036854775809", -0x1p63, true},
    {"10000000000000000000000000", 1e25, true},
    {"1e400", (double)INFINITY, true},
    {"-1E+400", -(double)INFINITY, true},
    {"1.5e308", 1.5e308, false},
    {"1e-400", 0, false},
};

START_TEST(numbers_of_every_size_are_kept)
{
    OWN(buf) struct buf text;
    OWN(buf) struct buf again;
    json_auto_t *value = NULL;
    struct json_writer w;
    struct err err = {0};

    buf_init(&text, 1000);
    buf_init(&again, 1000);
    buf_printf(&text, "{\"\\\"9\":[\"99999999999999999999\",%s,-1]}", exact[_i].text);
    ck_assert_int_eq(json_parse(buf_text(&text), text.len, &json_limits_default, &value, &err), 0);
    const json_t *number = json_array_get(json_object_get(value, "\"9"), 1);
    ck_assert_int_eq(json_big_number(number) != NULL, exact[_i].is_big);
    ck_assert_double_eq(json_number_like(number), exact[_i].nearest);
    ck_assert_ptr_null(json_big_number(json_array_get(json_object_get(value, "\"9"), 0)));
    json_writer_init(&w, &again);
    json_write_value(&w, number);
    if (exact[_i].is_big || exact[_i].nearest == trunc(exact[_i].nearest)) {
        ck_assert(strtod(buf_text(&again), NULL) == exact[_i].nearest);
    }
    if (exact[_i].is_big) {
        ck_assert_str_eq(buf_text(&again), exact[_i].text);
    }
}
END_TEST

/* In increasing order, with one way of writing each. */
static const char *const ordered[] = {
    "null",
    "false",
    "true",
    "-1.5",
    "9007199254740992.0",
    "9007199254740993",
    "9223372036854775807",
    "9.3e18",
    "\"\"",
    "\"1\"",
    "\"10\"",
    "[]",
    "[1]",
    "[1, 0]",
    "[2]",
    "{\"a\": 1, \"b\": 2}",
    "{\"a\": 1, \"b\": 3}",
    "{\"a\": 1, \"c\": 0}",
    "{\"a\": 2}",
    "{}",
};

START_TEST(values_are_compared_exactly)
{
    for (size_t i = 0; i < sizeof ordered / sizeof ordered[0]; i++) {
        json_auto_t *a = json_loads(ordered[_i], JSON_DECODE_ANY, NULL);
        json_auto_t *b = json_loads(ordered[i], JSON_DECODE_ANY, NULL);
        int order = json_compare(a, b);
        ck_assert_int_eq((order > 0) - (order < 0), (_i > (int)i) - (_i < (int)i));
    }
}
END_TEST

START_TEST(order_of_members_and_form_of_numbers_do_not_count)
{
    json_auto_t *a = json_loads("{\"x\": [1, {}], \"y\": 2.0}", 0, NULL);
    json_auto_t *b = json_loads("{\"y\": 2, \"x\": [1.0, {}]}", 0, NULL);

    ck_assert(json_same(a, b));
}
END_TEST

START_TEST(every_unknown_field_is_named)
{
    json_auto_t *body = json_loads("{\"a\": 1, \"b/~\": 2, \"c\": true}", 0, NULL);
    struct faults faults = {0};
    struct fields fields;

    fields_begin(&fields, body, "", &faults);
    ck_assert_int_eq(fields_int(&fields, "a", 0, 0, 10), 1);
    fields_end(&fields);
    ck_assert_uint_eq(faults.n, 2);
    ck_assert_str_eq(faults.items[0].pointer, "/b~1~0");
    faults_finish(&faults);
}
END_TEST

START_TEST(writer_escapes_and_separates)
{
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, 1000);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_put_string(&w, "a\"", "x\n\x01");
    json_put_number(&w, "n", (double)NAN);
    json_write_key(&w, "l");
    json_array_begin(&w);
    json_write_int(&w, INT64_MIN);
    json_write_bool(&w, false);
    json_array_end(&w);
    json_object_end(&w);
    ck_assert_str_eq(buf_text(&out), "{\"a\\\"\":\"x\\n\\u0001\",\"n\":\"NaN\",\"l\":"
                                     "[-9223372036854775808,false]}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");

    tcase_add_loop_test(tcase, number_prints_in_the_shortest_form_that_reads_back, 0,
                        (int)(sizeof numbers / sizeof numbers[0]));
    tcase_add_loop_test(tcase, hostile_text_is_refused, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_loop_test(tcase, values_are_compared_exactly, 0,
                        (int)(sizeof ordered / sizeof ordered[0]));
    tcase_add_test(tcase, order_of_members_and_form_of_numbers_do_not_count);
    tcase_add_loop_test(tcase, numbers_of_every_size_are_kept, 0,
                        (int)(sizeof exact / sizeof exact[0]));
    tcase_add_test(tcase, every_unknown_field_is_named);
    tcase_add_test(tcase, writer_escapes_and_separates);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
