#include "worker/report/parse.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char reports[4000];

static void add_report(void *context, const struct metric_report *report)
{
    size_t len = strlen(reports);
    char number[JSON_NUMBER_BYTES];

    (void)context;
    if (report->has_step) {
        len += (size_t)snprintf(reports + len, sizeof reports - len, "%d:", (int)report->step);
    }
    for (size_t i = 0; i < report->n; i++) {
        len +=
            (size_t)snprintf(reports + len, sizeof reports - len, "%s=%s,", report->items[i].metric,
                             json_format_number(report->items[i].value, number));
    }
    (void)snprintf(reports + len, sizeof reports - len, "%s;", report->fault[0] == '\0' ? "" : "!");
}

static struct patterns *patterns_of(const char *first, const char *second)
{
    const char *const expressions[] = {first, second};
    struct patterns *patterns = NULL;
    struct err err = {0};

    ck_assert_msg(patterns_create(expressions, second == NULL ? 1 : 2, &patterns, &err) == 0, "%s",
                  err.text);
    return patterns;
}

START_TEST(lines_are_put_together_from_pieces)
{
    const char *text = "noise\nhone: a=1\r50%\rhone: step=2 a=2\n\nhone: a=3";

    for (size_t piece = 1; piece < 10; piece++) {
        struct parse parse;
        reports[0] = '\0';
        parse_init(&parse, NULL, false, add_report, NULL);
        for (size_t i = 0; i < strlen(text); i += piece) {
            size_t left = strlen(text) - i;
            parse_feed(&parse, text + i, left < piece ? left : piece);
        }
        parse_end(&parse);
        ck_assert_str_eq(reports, "a=1,;2:a=2,;a=3,;");
        parse_finish(&parse);
    }
}
END_TEST

START_TEST(bare_lines_are_all_reports)
{
    struct parse parse;

    reports[0] = '\0';
    parse_init(&parse, NULL, true, add_report, NULL);
    parse_feed(&parse, "{\"step\":1,\"a\":2}\n\nnoise\n", 24);
    ck_assert_str_eq(reports, "1:a=2,;!;");
    parse_finish(&parse);
}
END_TEST

START_TEST(endless_line_is_read_as_far_as_it_fits)
{
    struct parse parse;
    char junk[1000];

    reports[0] = '\0';
    memset(junk, 'x', sizeof junk);
    parse_init(&parse, NULL, false, add_report, NULL);
    for (int i = 0; i < 1000; i++) {
        parse_feed(&parse, junk, sizeof junk);
    }
    parse_feed(&parse, "\nhone: a=1\n", 11);
    ck_assert_str_eq(reports, "a=1,;");
    parse_finish(&parse);
}
END_TEST

START_TEST(last_lines_are_whole_and_clean)
{
    struct parse parse;
    OWN(buf) struct buf out;

    buf_init(&out, 10000);
    parse_init(&parse, NULL, false, add_report, NULL);
    for (int i = 0; i < 2000; i++) {
        char line[64];
        int len = snprintf(line, sizeof line, "line %d\n", i);
        parse_feed(&parse, line, (size_t)len);
    }
    parse_feed(&parse, "caf\xc3\xa9 \xff\x1b[1m \xc0\x80 \xed\xa0\x80\n\n", 20);
    parse_last_lines(&parse, &out);
    ck_assert_uint_le(out.len, PARSE_TAIL_BYTES);
    ck_assert_int_eq(strncmp(buf_text(&out), "line ", 5), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "line 1999\ncaf\xc3\xa9 ??[1m ?? ???"));
    parse_finish(&parse);
}
END_TEST

static const struct {
    const char *first, *second;
    const char *line;
    const char *reports; /* "" when nothing matched */
} matches[] = {
    {"Accuracy = (?<accuracy>[0-9.]+)%", NULL, "Cross Validation Accuracy = 97.3%",
     "accuracy=97.3,;"},
    {"epoch (?<step>\\d+).*loss (?<loss>\\S+)", NULL, "epoch 7: loss 1e-3 ok", "7:loss=0.001,;"},
    {"loss (?<loss>\\S+)", "acc (?<acc>\\S+)", "acc 2 loss 1", "loss=1,acc=2,;"},
    {"loss (?<loss>\\S+)", "acc (?<acc>\\S+)", "acc 2", "acc=2,;"},
    {"(?:a (?<a>\\d)|b (?<b>\\d))", NULL, "b 4", "b=4,;"},
    {"loss (?<loss>\\S+)", NULL, "loss abc", "!;"},
    {"loss (?<loss>\\S+)", NULL, "nothing", ""},
    {"loss (?<loss>\\S+)", NULL, "loss \xff\xfe", "!;"},
    {"(?<a>(x+x+)+y)", NULL, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz",
     ""},
};

START_TEST(expressions_find_metrics)
{
    OWN(patterns) struct patterns *patterns = patterns_of(matches[_i].first, matches[_i].second);
    struct metric_report report;

    reports[0] = '\0';
    if (patterns_read(patterns, matches[_i].line, strlen(matches[_i].line), &report)) {
        add_report(NULL, &report);
    }
    ck_assert_str_eq(reports, matches[_i].reports);
}
END_TEST

static const char *const wrong[] = {"", "(", "loss (\\S+)", "(?<step>\\d+)", "(?<a>\\C)"};

START_TEST(expression_that_cannot_serve_is_refused)
{
    struct patterns *patterns = NULL;
    struct err err = {0};

    ck_assert_int_eq(patterns_create(&wrong[_i], 1, &patterns, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

START_TEST(prefix_goes_before_expression)
{
    OWN(patterns) struct patterns *patterns = patterns_of("a=(?<b>\\d)", NULL);
    struct parse parse;

    reports[0] = '\0';
    parse_init(&parse, patterns, false, add_report, NULL);
    parse_feed(&parse, "hone: a=1\na=2\n", 14);
    ck_assert_str_eq(reports, "a=1,;b=2,;");
    parse_finish(&parse);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parse");
    TCase *tcase = tcase_create("parse");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, lines_are_put_together_from_pieces);
    tcase_add_test(tcase, bare_lines_are_all_reports);
    tcase_add_test(tcase, endless_line_is_read_as_far_as_it_fits);
    tcase_add_test(tcase, last_lines_are_whole_and_clean);
    tcase_add_loop_test(tcase, expressions_find_metrics, 0,
                        (int)(sizeof matches / sizeof matches[0]));
    tcase_add_loop_test(tcase, expression_that_cannot_serve_is_refused, 0,
                        (int)(sizeof wrong / sizeof wrong[0]));
    tcase_add_test(tcase, prefix_goes_before_expression);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
