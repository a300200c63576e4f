/* The parts of a report: escaped texts, short numbers, axes, SVG, ranks, and the page as a whole.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/analysis/expected_best.h"
#include "server/report/axis.h"
#include "server/report/definition.h"
#include "server/report/html.h"
#include "server/report/page.h"
#include "server/report/paper.h"
#include "server/report/param_axis.h"
#include "server/report/prose.h"
#include "server/report/svg.h"
#include "tests/support/run_suite.h"

/* ---- texts ---- */

START_TEST(markup_and_unseen_characters_are_escaped)
{
    OWN(buf) struct buf out;

    buf_init(&out, 1000);
    html_text(&out, "</title><b a=\"'\">&\x1b[2J\u202e\xff.");
    ck_assert_str_eq(buf_text(&out), "&lt;/title&gt;&lt;b a=&quot;&#39;&quot;&gt;&amp;\ufffd[2J"
                                     "\ufffd\ufffd.");
    buf_clear(&out);
    ck_assert(html_text_cut(&out, "aäb<c", 3));
    ck_assert_str_eq(buf_text(&out), "aäb…");
    buf_clear(&out);
    ck_assert(!html_text_cut(&out, "aäb", 3));
    ck_assert_str_eq(buf_text(&out), "aäb");
}
END_TEST

static const struct {
    double value;
    const char *text;
} numbers[] = {
    {0, "0"},
    {-0.0, "0"},
    {0.1, "0.1"},
    {1.0 / 3, "0.3333"},
    {123456, "123456"},
    {1.5e-5, "1.5e-5"},
    {-2e300, "-2e300"},
    {1234567.8, "1.235e6"},
    {(double)NAN, "NaN"},
    {(double)INFINITY, "∞"},
    {-(double)INFINITY, "−∞"},
};

START_TEST(numbers_are_short)
{
    char text[SHORT_BYTES];

    ck_assert_str_eq(short_number(numbers[_i].value, text), numbers[_i].text);
}
END_TEST

START_TEST(counts_spans_and_moments_are_for_people)
{
    char text[SHORT_BYTES];

    ck_assert_str_eq(short_count(0, text), "0");
    ck_assert_str_eq(short_count(999, text), "999");
    ck_assert_str_eq(short_count(1234567, text), "1,234,567");
    ck_assert_str_eq(short_span(0.25, text), "0.25 s");
    ck_assert_str_eq(short_span(200, text), "3 min 20 s");
    ck_assert_str_eq(short_span(18720, text), "5 h 12 min");
    ck_assert_str_eq(short_span(183600, text), "2 d 3 h");
    ck_assert_str_eq(short_span((double)NAN, text), "0 s");
    ck_assert_str_eq(short_moment(INT64_C(1764020000000), text), "2025-11-24 21:33 UTC");
    ck_assert_str_eq(short_moment(0, text), "–");
}
END_TEST

/* ---- axes ---- */

START_TEST(places_stay_on_the_axis)
{
    struct axis axis;

    axis_init(&axis, 0, 10, false);
    axis.from = 100;
    axis.to = 200;
    ck_assert_double_eq(axis_place(&axis, 5), 150);
    ck_assert_double_eq(axis_place(&axis, -1e308), 100);
    ck_assert_double_eq(axis_place(&axis, (double)INFINITY), 200);
    ck_assert_double_nan(axis_place(&axis, (double)NAN));
    axis_init(&axis, 1e-5, 1e-1, true);
    ck_assert_double_eq_tol(axis_place(&axis, 1e-3), 0.5, 1e-12);
    ck_assert_double_eq(axis_place(&axis, -3), 0);
    axis_init(&axis, -1.7e308, 1.7e308, false); /* whose span is no double */
    ck_assert_double_eq_tol(axis_place(&axis, 0), 0.5, 1e-12);
    axis_init(&axis, 3, 3, false);
    ck_assert_double_eq_tol(axis_place(&axis, 3), 0.5, 1e-12);
}
END_TEST

static const struct {
    double low, high;
    bool is_log;
    const char *ticks;
} ticks[] = {
    {0, 1, false, "0 0.2 0.4 0.6 0.8 1 "},
    {-3, 97, false, "0 20 40 60 80 "},
    {1e-5, 1e-1, true, "1e-5 0.0001 0.001 0.01 0.1 "},
    {1, 81, true, "1 2 5 10 20 50 "},
    {1.2, 1.4, true, "1.2 1.25 1.3 1.35 1.4 "},
    {1e-300, 1e300, true, "1e-200 1 1e200 "},
    {-1.7e308, 1.7e308, false, "-1e308 0 1e308 "},
};

START_TEST(ticks_are_round)
{
    double values[AXIS_TICKS];
    char text[SHORT_BYTES];
    char all[400] = "";
    struct axis axis;

    axis_init(&axis, ticks[_i].low, ticks[_i].high, ticks[_i].is_log);
    size_t n = axis_ticks(&axis, 5, values);
    for (size_t i = 0; i < n; i++) {
        (void)strcat(strcat(all, short_number(values[i], text)), " ");
    }
    ck_assert_str_eq(all, ticks[_i].ticks);
}
END_TEST

START_TEST(a_range_leaves_out_what_is_far_on_the_worse_side_only)
{
    double values[22];
    struct axis_range range;

    for (int i = 0; i < 20; i++) {
        values[i] = i;
    }
    values[20] = 1e6;
    values[21] = (double)NAN;
    axis_range_of(22, values, true, &range);
    ck_assert(!range.is_log);
    ck_assert_double_lt(range.high, 100);
    ck_assert_double_le(range.low, 0);
    ck_assert_uint_eq(range.n_outside, 1);
    for (int i = 0; i < 21; i++) {
        values[i] = i < 20 ? i : 1e6;
    }
    axis_range_of(21, values, false, &range); /* the best one */
    ck_assert_double_ge(range.high, 1e6);
    values[0] = (double)INFINITY;
    axis_range_of(1, values, true, &range);
    ck_assert_double_eq(range.low, 0);
    ck_assert_double_eq(range.high, 1);
}
END_TEST

/* ---- SVG ---- */

START_TEST(no_value_breaks_a_picture)
{
    OWN(buf) struct buf out;

    buf_init(&out, 10000);
    svg_path_begin(&out, "best");
    svg_path_move(&out, 1.04, -0.01);
    svg_path_line(&out, (double)NAN, 1e300);
    svg_path_dot(&out, 10, -(double)INFINITY);
    svg_path_end(&out, "a<b");
    ck_assert_str_eq(buf_text(&out), "<path class=\"best\" d=\"M1 0L0 20000M10 -20000h0\"><title>"
                                     "a&lt;b</title></path>\n");
}
END_TEST

/* ---- the definition ---- */

START_TEST(json_is_indented_to_a_depth)
{
    OWN(buf) struct buf out;

    buf_init(&out, 10000);
    json_indent("{\"a\":[{\"b\":1,\"c\":\"x,{\\\"\"}],\"d\":{},\"e\":[1,2]}", 1, &out);
    ck_assert_str_eq(buf_text(&out), "{\n  \"a\": [{\"b\": 1, \"c\": \"x,{\\\"\"}],\n  \"d\": {},\n"
                                     "  \"e\": [1, 2]\n}");
}
END_TEST

/* ---- the page ---- */

static struct study_def *def_of(const char *json)
{
    json_error_t error;
    struct study_def *def = NULL;
    struct faults faults = {0};
    json_auto_t *body = json_loads(json, 0, &error);

    ck_assert_msg(body != NULL, "%s", error.text);
    if (study_def_from_json(body, 7, &def, &faults) != 0) {
        ck_abort_msg("%s: %s", faults.items[0].pointer, faults.items[0].detail);
    }
    return def;
}

#define TWO_PARAMETERS                                                                             \
    "\"strategy\": \"random\", \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": "  \
    "0, \"high\": 1}, {\"name\": \"<i>\", \"type\": \"categorical\", \"choices\": [\"a\", "        \
    "\"</svg><script>\"]}]"

static void add_trial(struct study_report *report, enum trial_state state, double value,
                      double other)
{
    const size_t n = report->n_trials;
    const struct study_def *def = report->def;

    report->trials = realloc(report->trials, (n + 1) * sizeof *report->trials);
    ck_assert_ptr_nonnull(report->trials);
    struct shown_trial *trial = &report->trials[report->n_trials++];
    *trial = (struct shown_trial){
        .number = (int64_t)n + 1,
        .state = state,
        .n_values = state == TRIAL_FAILED ? 0 : def->n_objectives,
        .values = {value, other},
        .started_at_ms = 1000,
        .ended_at_ms = 2000,
        .ended_seq = (int64_t)n + 1,
        .config = calloc(def->space->n_params, sizeof(double)),
    };
    trial->config[0] = (double)n / 64;
    trial->config[1] = (double)(n % 2);
    if (state == TRIAL_FAILED) {
        (void)strcpy(trial->reason, "<oom>");
    }
}

static void begin_report(struct study_report *report, struct study_row *row,
                         const struct study_def *def)
{
    *report = (struct study_report){
        .version = "1", .made_at_ms = INT64_C(1764020000000), .def = def, .row = row};
    pareto_front_init(&report->front, def);
}

static void write_page(struct study_report *report, struct buf *page)
{
    struct err err = {0};

    ck_assert_int_eq(study_report_rank(report, &err), 0);
    buf_init(page, 8 << 20);
    ck_assert_msg(study_report_write(report, page, &err) == 0, "%s", err.text);
    ck_assert_ptr_null(strstr(buf_text(page), "<script"));
    ck_assert_ptr_null(strstr(buf_text(page), "<i>"));
    ck_assert_ptr_null(strstr(buf_text(page), "=\"nan"));
    ck_assert_ptr_null(strstr(buf_text(page), "inf\""));
    ck_assert_ptr_null(strstr(buf_text(page), "http://"));
    ck_assert_ptr_null(strstr(buf_text(page), " style="));
}

static void expect(const struct buf *page, const char *text)
{
    ck_assert_msg(strstr(buf_text(page), text) != NULL, "%s is missing", text);
}

START_TEST(an_empty_study_has_a_page)
{
    OWN(study_def)
    struct study_def *def =
        def_of("{\"name\": \"s\", \"metric\": \"loss\", \"direction\": \"minimize\", "
               "\"description\": \"</p><script>\", " TWO_PARAMETERS "}");
    OWN(study_report) struct study_report report = {0};
    OWN(buf) struct buf page;
    struct study_row row = {0};

    begin_report(&report, &row, def);
    write_page(&report, &page);
    expect(&page, "default-src 'none'; style-src 'unsafe-inline'");
    expect(&page, "No trial has a value yet.");
    expect(&page, "&lt;/p&gt;&lt;script&gt;");
    ck_assert_ptr_null(strstr(buf_text(&page), "<svg"));
}
END_TEST

START_TEST(values_that_are_no_numbers_and_hostile_names_are_borne)
{
    static const double values[] = {
        1, (double)NAN, (double)INFINITY, -(double)INFINITY, 1e308, -1e308, 0, 0.5, 1e-300, 3};
    OWN(study_def)
    struct study_def *def = def_of(
        "{\"name\": \"s\", \"metric\": \"lo<s>s\", \"direction\": \"maximize\", " TWO_PARAMETERS
        "}");
    OWN(study_report) struct study_report report = {0};
    OWN(buf) struct buf page;
    struct study_row row = {0};

    begin_report(&report, &row, def);
    for (size_t i = 0; i < 30; i++) {
        add_trial(&report, i % 7 == 6 ? TRIAL_FAILED : TRIAL_COMPLETED, values[i % 10], 0);
    }
    write_page(&report, &page);
    expect(&page, "<h2>History</h2>");
    expect(&page, "<h2>Parameters one by one</h2>");
    expect(&page, "&lt;oom&gt;");
    expect(&page, "lo&lt;s&gt;s");
    expect(&page, "<strong>1e308</strong>");
}
END_TEST

START_TEST(one_trial_and_equal_values_have_pictures)
{
    OWN(study_def)
    struct study_def *def = def_of(
        "{\"name\": \"s\", \"metric\": \"loss\", \"direction\": \"minimize\", " TWO_PARAMETERS "}");

    for (size_t n = 1; n <= 3; n += 2) {
        OWN(study_report) struct study_report report = {0};
        OWN(buf) struct buf page;
        struct study_row row = {0};
        begin_report(&report, &row, def);
        for (size_t i = 0; i < n; i++) {
            add_trial(&report, TRIAL_COMPLETED, 0.25, 0);
        }
        write_page(&report, &page);
        expect(&page, "<strong>0.25</strong>");
        expect(&page, "<h2>Trials</h2>");
    }
}
END_TEST

START_TEST(a_front_leads_the_ranks)
{
    OWN(study_def)
    struct study_def *def = def_of(
        "{\"name\": \"s\", \"objectives\": [{\"metric\": \"a\", \"direction\": \"minimize\"}, "
        "{\"metric\": \"b\", \"direction\": \"maximize\"}], " TWO_PARAMETERS "}");
    OWN(study_report) struct study_report report = {0};
    OWN(buf) struct buf page;
    struct study_row row = {0};
    struct err err = {0};

    begin_report(&report, &row, def);
    static const double a[] = {3, 1, 2, 4};
    static const double b[] = {1, 1, 3, 3};
    for (int64_t i = 0; i < 4; i++) {
        struct trial_row trial = {.id = i + 1, .state = TRIAL_COMPLETED, .n_values = 2};
        trial.values[0] = a[i];
        trial.values[1] = b[i];
        add_trial(&report, TRIAL_COMPLETED, a[i], b[i]);
        ck_assert_int_eq(pareto_front_add(&report.front, &trial, &err), 0);
    }
    write_page(&report, &page);
    ck_assert_uint_eq(report.n_ranked, 4);
    ck_assert_int_eq(report.trials[report.ranked[0]].number, 2);
    ck_assert_int_eq(report.trials[report.ranked[1]].number, 3);
    expect(&page, "2 of 4 trials are not beaten");
    ck_assert_ptr_null(strstr(buf_text(&page), "Best configuration"));
}
END_TEST

/* As the best trial of a study is found: more resource comes before a better value. */
START_TEST(trials_are_ranked_at_the_highest_resource)
{
    OWN(study_def)
    struct study_def *def =
        def_of("{\"name\": \"s\", \"metric\": \"loss\", \"direction\": \"minimize\", \"resource\": "
               "{\"name\": \"epochs\", \"min\": 1, \"max\": 9}, " TWO_PARAMETERS "}");
    OWN(study_report) struct study_report report = {0};
    OWN(buf) struct buf page;
    struct study_row row = {0};

    begin_report(&report, &row, def);
    add_trial(&report, TRIAL_PRUNED, 0.1, 0);
    add_trial(&report, TRIAL_COMPLETED, 0.5, 0);
    add_trial(&report, TRIAL_PRUNED, 0.2, 0);
    for (size_t i = 0; i < 3; i++) {
        report.trials[i].has_step = true;
        report.trials[i].step = i == 1 ? 9 : i == 0 ? 1 : 3;
    }
    write_page(&report, &page);
    ck_assert_int_eq(report.trials[report.ranked[0]].number, 2);
    ck_assert_int_eq(report.trials[report.ranked[1]].number, 3);
    ck_assert_int_eq(report.trials[report.ranked[2]].number, 1);
    expect(&page, "trial 2 at epochs 9");
}
END_TEST

/* ---- for a paper ---- */

static const struct {
    const char *text, *latex;
} words[] = {
    {"plain", "plain"},
    {"a_b & 50% of #3 {x}$", "a\\_b \\& 50\\% of \\#3 \\{x\\}\\$"},
    {"\\input{secrets}", "\\textbackslash{}input\\{secrets\\}"},
    {"~^<>|", "\\textasciitilde{}\\textasciicircum{}\\textless{}\\textgreater{}\\textbar{}"},
    {"[2em]* \"`--", "{[}2em{]}{*} \\char34{}\\char96{}{-}{-}"},
    {"a\nb\x1b\u202e", "a b"},
    {"é 学", "é 学"},
    {"0123456789abcdef", "0123456789\\ldots{}"},
};

START_TEST(words_are_no_commands_of_latex)
{
    OWN(buf) struct buf out;
    struct prose prose = {.out = &out, .is_latex = true};
    const char *text = words[_i].text;

    buf_init(&out, 1000);
    prose_word(&prose, text, strncmp(text, "0123", 4) == 0 ? 10 : 100);
    ck_assert_str_eq(buf_text(&out), words[_i].latex);
}
END_TEST

START_TEST(numbers_of_a_paper_are_mathematics)
{
    OWN(buf) struct buf out;
    struct prose prose = {.out = &out, .is_latex = true};

    buf_init(&out, 1000);
    prose_number(&prose, 0.25);
    prose_number(&prose, 1e-5);
    prose_number(&prose, -2.5e10);
    prose_number(&prose, (double)NAN);
    ck_assert_str_eq(buf_text(&out), "$0.25$$10^{-5}$$-2.5 \\times 10^{10}$NaN");
}
END_TEST

/* Of 1, 2, 3 the best of two draws is 1 in 5 of 9 cases, 2 in 3 and 3 in 1. */
START_TEST(the_expected_best_is_that_of_all_draws)
{
    double values[] = {2, 3, 1};

    expected_best_sort(3, values, DIRECTION_MINIMIZE);
    ck_assert_double_eq_tol(expected_best(3, values, 1), 2, 1e-12);
    ck_assert_double_eq_tol(expected_best(3, values, 2), (5 * 1 + 3 * 2 + 1 * 3) / 9.0, 1e-12);
    ck_assert_double_eq_tol(expected_best(3, values, 200), 1, 1e-12);
    expected_best_sort(3, values, DIRECTION_MAXIMIZE);
    ck_assert_double_eq_tol(expected_best(3, values, 2), (5 * 3 + 3 * 2 + 1 * 1) / 9.0, 1e-12);
    ck_assert_double_nan(expected_best(0, values, 1));
}
END_TEST

/* Braces are balanced in what TeX reads, and every table is closed. */
static void expect_balanced(const char *latex)
{
    int depth = 0;

    for (const char *at = latex; *at != '\0'; at++) {
        if (*at == '%' && (at == latex || at[-1] != '\\')) {
            at += strcspn(at, "\n");
        }
        if ((*at == '{' || *at == '}') && (at == latex || at[-1] != '\\')) {
            depth += *at == '{' ? 1 : -1;
        }
        ck_assert_int_ge(depth, 0);
        if (*at == '\0') {
            break;
        }
    }
    ck_assert_int_eq(depth, 0);
}

START_TEST(a_paper_tells_of_failures_and_bears_hostile_names)
{
    OWN(study_def)
    struct study_def *def = def_of("{\"name\": \"s\", \"metric\": \"}\\\\end{table}%\", "
                                   "\"direction\": \"minimize\", " TWO_PARAMETERS "}");
    OWN(study_report) struct study_report report = {0};
    OWN(buf) struct buf latex;
    OWN(buf) struct buf text;
    struct study_row row = {.counts = {[TRIAL_COMPLETED] = 5, [TRIAL_FAILED] = 3}};
    struct err err = {0};

    begin_report(&report, &row, def);
    for (size_t i = 0; i < 8; i++) {
        add_trial(&report, i < 3 ? TRIAL_FAILED : TRIAL_COMPLETED, (double)i, 0);
    }
    ck_assert_int_eq(study_report_rank(&report, &err), 0);
    buf_init(&latex, 1 << 20);
    buf_init(&text, 1 << 20);
    ck_assert_int_eq(study_paper_write(&report, true, &latex, &err), 0);
    ck_assert_int_eq(study_paper_write(&report, false, &text, &err), 0);
    expect_balanced(buf_text(&latex));
    expect(&latex, "minimizing\n\\}\\textbackslash{}end\\{table\\}\\%");
    expect(&latex, "failed (\\textless{}oom\\textgreater{}) & 3 \\\\");
    expect(&latex, "\\cite{bergstra2012random}");
    expect(&latex, "% @inproceedings{dodge2019show,");
    expect(&latex, "1 & $5$ \\\\");
    expect(&text, "completed                   5\n");
    expect(&text, "failed (<oom>)              3\n");
    ck_assert_ptr_null(strstr(buf_text(&text), "no random sample"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *cases = tcase_create("report");

    json_start();
    tcase_add_test(cases, markup_and_unseen_characters_are_escaped);
    tcase_add_loop_test(cases, numbers_are_short, 0, sizeof numbers / sizeof numbers[0]);
    tcase_add_test(cases, counts_spans_and_moments_are_for_people);
    tcase_add_test(cases, places_stay_on_the_axis);
    tcase_add_loop_test(cases, ticks_are_round, 0, sizeof ticks / sizeof ticks[0]);
    tcase_add_test(cases, a_range_leaves_out_what_is_far_on_the_worse_side_only);
    tcase_add_test(cases, no_value_breaks_a_picture);
    tcase_add_test(cases, json_is_indented_to_a_depth);
    tcase_add_test(cases, an_empty_study_has_a_page);
    tcase_add_test(cases, values_that_are_no_numbers_and_hostile_names_are_borne);
    tcase_add_test(cases, one_trial_and_equal_values_have_pictures);
    tcase_add_test(cases, a_front_leads_the_ranks);
    tcase_add_test(cases, trials_are_ranked_at_the_highest_resource);
    tcase_add_loop_test(cases, words_are_no_commands_of_latex, 0, sizeof words / sizeof words[0]);
    tcase_add_test(cases, numbers_of_a_paper_are_mathematics);
    tcase_add_test(cases, the_expected_best_is_that_of_all_draws);
    tcase_add_test(cases, a_paper_tells_of_failures_and_bears_hostile_names);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
