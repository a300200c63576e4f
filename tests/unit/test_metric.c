#include "worker/report/metric.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_line(const char *text, struct metric_report *report)
{
    return metric_line_read(text, strlen(text), report);
}

/* The report as one text: "4 loss=0.31 acc=NaN !fault". */
static const char *text_of(const struct metric_report *report)
{
    static char text[4096];
    char number[JSON_NUMBER_BYTES];
    size_t len = 0;

    text[0] = '\0';
    if (report->has_step) {
        len += (size_t)snprintf(text, sizeof text, "%lld", (long long)report->step);
    }
    for (size_t i = 0; i < report->n; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, " %s=%s", report->items[i].metric,
                                json_format_number(report->items[i].value, number));
    }
    if (report->fault[0] != '\0') {
        (void)snprintf(text + len, sizeof text - len, " !");
    }
    return text;
}

static const struct {
    const char *line;
    const char *text; /* NULL: no report */
} lines[] = {
    {"hone: step=4 loss=0.31", "4 loss=0.31"},
    {"  hone: loss=1e-3\r", " loss=0.001"},
    {"hone:loss=.5,acc=1.", " loss=0.5 acc=1"},
    {"hone: {\"step\": 4, \"loss\": 0.31}", "4 loss=0.31"},
    {"hone: {\"loss\": NaN, \"b\": -Infinity, \"c\": \"Infinity\"}",
     " loss=NaN b=-Infinity c=Infinity"},
    {"hone: {\"note\": \"NaN \\\" NaN\", \"a\": 1}", " a=1 !"},
    {"hone: {\"step\": 4.0, \"a\": 1}", "4 a=1"},
    {"hone: loss=nan acc=-inf", " loss=NaN acc=-Infinity"},
    {"hone: loss=-0.0", " loss=0"},
    {"hone: a=1 a=2", " a=2"},
    {"hone: val/top-1=0.5", " val/top-1=0.5"},
    {"hone: step=-1 a=1", " a=1 !"},
    {"hone: step=1.5 a=1", " a=1 !"},
    {"hone: step=99999999999999999999 a=1", " a=1 !"},
    {"hone: step=nan a=1", " a=1 !"},
    {"hone: loss=0x10", " !"},
    {"hone: loss=0,5 a=1", " a=1 !"},
    {"hone: a=1, b=2;c=3", " a=1 b=2 c=3"},
    {"hone: loss=nan(7)", " !"},
    {"hone: loss=", " !"},
    {"hone: =1", " !"},
    {"hone: loss", " !"},
    {"hone: los\xc3\xa9=1", " los\xc3\xa9=1"},
    {"hone: {\"loss\": 0.31", " !"},
    {"hone: {\"a\": 1, \"a\": 2}", " !"},
    {"hone: {\"a\": {\"b\": 1}}", " !"},
    {"hone: {\"a\": true}", " !"},
    {"hone: {\"a\": 1e999}", " !"},
    {"hone: loss=1e999", " loss=Infinity"},
    {"hone: [1]", " !"},
    {"hone:", NULL},
    {"hone", NULL},
    {"xhone: loss=1", NULL},
    {"loss=1", NULL},
    {"", NULL},
};

START_TEST(line_is_read_or_its_fault_is_reported)
{
    struct metric_report report = {0};
    bool is_report = read_line(lines[_i].line, &report);

    ck_assert_int_eq(is_report, lines[_i].text != NULL);
    if (is_report) {
        ck_assert_str_eq(text_of(&report), lines[_i].text);
    }
}
END_TEST

START_TEST(bare_lines_need_no_prefix)
{
    struct metric_report report;

    ck_assert(metric_bare_read("{\"step\":1,\"a\":2}\n", 17, &report));
    ck_assert_str_eq(text_of(&report), "1 a=2");
    ck_assert(metric_bare_read("step=1 a=2", 10, &report));
    ck_assert_str_eq(text_of(&report), "1 a=2");
    ck_assert(!metric_bare_read(" \n", 2, &report));
}
END_TEST

START_TEST(too_many_metrics_are_reported)
{
    OWN(buf) struct buf line;
    struct metric_report report;

    buf_init(&line, 100000);
    buf_puts(&line, "hone:");
    for (int i = 0; i < METRIC_REPORT_MAX + 1; i++) {
        buf_printf(&line, " m%d=%d", i, i);
    }
    ck_assert(metric_line_read(buf_text(&line), line.len, &report));
    ck_assert_uint_eq(report.n, METRIC_REPORT_MAX);
    ck_assert_str_ne(report.fault, "");
}
END_TEST

START_TEST(long_line_is_reported)
{
    OWN(buf) struct buf line;
    struct metric_report report;

    buf_init(&line, 100000);
    buf_puts(&line, "hone: {");
    for (int i = 0; i < 20000; i++) {
        buf_putc(&line, '{');
    }
    ck_assert(metric_line_read(buf_text(&line), line.len, &report));
    ck_assert_uint_eq(report.n, 0);
    ck_assert_str_ne(report.fault, "");
}
END_TEST

START_TEST(nul_bytes_do_no_harm)
{
    struct metric_report report;

    ck_assert(metric_line_read("hone: a=1\0002 b\0=3", 17, &report));
    ck_assert_uint_eq(report.n, 0);
    ck_assert_str_ne(report.fault, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metric");
    TCase *tcase = tcase_create("metric");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, line_is_read_or_its_fault_is_reported, 0,
                        (int)(sizeof lines / sizeof lines[0]));
    tcase_add_test(tcase, bare_lines_need_no_prefix);
    tcase_add_test(tcase, too_many_metrics_are_reported);
    tcase_add_test(tcase, long_line_is_reported);
    tcase_add_test(tcase, nul_bytes_do_no_harm);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
