/* Bars, sparklines, and text that is wrapped to a width. */
#include <check.h>
#include <math.h>

#include "common/wrap.h"
#include "tests/support/run_suite.h"
#include "worker/cli/show/plot.h"

static const struct {
    double done, whole;
    const char *bar;
} bars[] = {
    {0, 10, "░░░░"},  {0.01, 10, "█░░░"}, {5, 10, "██░░"}, {9.99, 10, "███░"},
    {10, 10, "████"}, {12, 10, "████"},   {3, 0, "░░░░"},  {(double)NAN, 10, "░░░░"},
};

START_TEST(a_bar_is_full_only_at_the_end)
{
    OWN(buf) struct buf out = {0};

    buf_init(&out, 256);
    plot_bar(bars[_i].done, bars[_i].whole, 4, &out);
    ck_assert_str_eq(buf_text(&out), bars[_i].bar);
}
END_TEST

START_TEST(a_sparkline_spans_from_the_least_to_the_largest)
{
    const double values[] = {(double)NAN, 0, 0.5, 1, (double)INFINITY};
    const double alike[] = {3, 3};
    const double huge[] = {-1.7e308, 1.7e308};
    OWN(buf) struct buf out = {0};

    buf_init(&out, 256);
    plot_spark(values, 5, &out);
    plot_spark(alike, 2, &out);
    plot_spark(huge, 2, &out);
    ck_assert_str_eq(buf_text(&out), " ▁▅█ ▅▅▁█");
}
END_TEST

static const struct {
    const char *text;
    size_t width, indent;
    const char *wrapped;
} wraps[] = {
    {"one two three", 8, 2, "one two\n  three\n"},
    {"one two three", 0, 2, "one two three\n"},
    {"  one  two", 10, 0, "  one  two\n"},
    {"abcdefghij", 4, 1, "abcd\n efg\n hij\n"},
    {"a abcdefghij", 4, 0, "a\nabcd\nefgh\nij\n"},
    {"a\nb c", 3, 2, "a\n b\n c\n"},
    {"\033[2Jevil\a", 20, 0, "[2Jevil\n"},
    {"表表表 表", 6, 0, "表表表\n表\n"},
    {"", 5, 0, "\n"},
};

START_TEST(text_is_wrapped_between_words)
{
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1024);
    wrap_append(&out, wraps[_i].text, wraps[_i].width, wraps[_i].indent);
    ck_assert_str_eq(buf_text(&out), wraps[_i].wrapped);
}
END_TEST

static const struct {
    const char *name;
    size_t width;
    const char *shown;
} names[] = {
    {"node07:0", 10, "node07:0  "},
    {"gpu-node-0007.cluster:3", 12, "gpu-n…ster:3"},
    {"\033[31mx", 6, "[31mx "},
    {"表表表表表表", 6, "表表… "},
};

START_TEST(the_middle_of_a_long_name_is_left_out)
{
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1024);
    wrap_name(&out, names[_i].name, names[_i].width);
    ck_assert_str_eq(buf_text(&out), names[_i].shown);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_plot");
    TCase *tcase = tcase_create("plot");

    tcase_add_loop_test(tcase, a_bar_is_full_only_at_the_end, 0,
                        (int)(sizeof bars / sizeof bars[0]));
    tcase_add_test(tcase, a_sparkline_spans_from_the_least_to_the_largest);
    tcase_add_loop_test(tcase, text_is_wrapped_between_words, 0,
                        (int)(sizeof wraps / sizeof wraps[0]));
    tcase_add_loop_test(tcase, the_middle_of_a_long_name_is_left_out, 0,
                        (int)(sizeof names / sizeof names[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
