#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/cell.h"
#include "tests/support/run_suite.h"
#include "worker/cli/show/rate.h"
#include "worker/cli/show/view.h"

static json_t *json(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(value);
    return value;
}

/* 17 of 40 trials, three of them running. */
static json_t *some_study(void)
{
    return json("{\"name\": \"digits\", \"state\": \"running\", \"reason\": null,"
                " \"objectives\": [{\"metric\": \"accuracy\", \"direction\": \"maximize\"}],"
                " \"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 81},"
                " \"limits\": {\"trials\": 40},"
                " \"counts\": {\"completed\": 11, \"running\": 3, \"pruned\": 6, \"failed\": 0}}");
}

static json_t *some_best(void)
{
    return json("{\"resource\": 81, \"trial\": {\"number\": 12, \"value\": 0.973123,"
                " \"parameters\": {\"lr\": 0.000312345, \"units\": 128, \"act\": \"relu\"}}}");
}

static json_t *some_running(void)
{
    return json("[{\"number\": 18, \"worker\": \"node07:0\", \"step\": 3, \"value\": 0.9411,"
                "  \"live\": {\"step\": 16, \"value\": 0.955},"
                "  \"started_at\": \"1970-01-01T00:01:10.000Z\"},"
                " {\"number\": 19, \"worker\": \"node08\\u001b[2J:1\", \"value\": null,"
                "  \"started_at\": \"1970-01-01T00:01:38.400Z\"},"
                " {\"number\": 20, \"worker\": \"a-very-long-name-of-a-node.cluster:3\","
                "  \"step\": 81, \"value\": \"NaN\", \"started_at\": null}]");
}

static json_t *some_history(void)
{
    return json("[{\"number\": 1, \"value\": 0.5, \"ended_at\": \"1970-01-01T00:00:30.000Z\"},"
                " {\"number\": 4, \"value\": 0.9, \"ended_at\": \"1970-01-01T00:01:40.000Z\"}]");
}

static struct view view_of(const json_t *study, const json_t *best, const json_t *running)
{
    return (struct view){.study = study,
                         .best = best,
                         .running = running,
                         .per_minute = 12.4,
                         .elapsed_ms = 102000,
                         .now_ms = 102000};
}

START_TEST(a_picture_shows_how_far_it_is)
{
    json_auto_t *study = some_study();
    json_auto_t *best = some_best();
    json_auto_t *running = some_running();
    struct view view = view_of(study, best, running);
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1 << 16);
    view_draw(&view, 70, 24, false, &out);
    ck_assert_str_eq(buf_text(&out),
                     "digits  running 1:42                               12.4/min, 1:51 left\n"
                     "█████████████████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  17 of 40\n"
                     "11 completed  3 running  6 pruned\n"
                     "best    accuracy 0.973123 at 81 epochs, trial 12: lr=0.0003123\n"
                     "        units=128 act=relu\n"
                     "TRIAL  WORKER                                       STEP   VALUE  TIME\n"
                     "   18  node07:0                  ███░░░░░░░░░░░░░  16/81   0.955  0:32\n"
                     "   19  node08[2J:1               ░░░░░░░░░░░░░░░░      -       -  0:04\n"
                     "   20  a-very-long…de.cluster:3  ████████████████  81/81     NaN     -\n");
}
END_TEST

START_TEST(a_narrow_picture_loses_nothing)
{
    json_auto_t *study = some_study();
    json_auto_t *best = some_best();
    json_auto_t *running = some_running();
    struct view view = view_of(study, best, running);
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1 << 16);
    view_draw(&view, 40, 24, false, &out);
    ck_assert_str_eq(buf_text(&out), "digits  running 1:42\n"
                                     "12.4/min, 1:51 left\n"
                                     "█████████░░░░░░░░░░░  17 of 40\n"
                                     "11 completed  3 running  6 pruned\n"
                                     "best    accuracy 0.973123 at 81 epochs,\n"
                                     "        trial 12: lr=0.0003123 units=128\n"
                                     "        act=relu\n"
                                     "TRIAL  WORKER         STEP   VALUE  TIME\n"
                                     "   18  node07:0      16/81   0.955  0:32\n"
                                     "   19  node08[2J:1       -       -  0:04\n"
                                     "   20  a-ver…ster:3  81/81     NaN     -\n");
}
END_TEST

static const size_t widths[] = {20, 30, 40, 41, 55, 60, 79, 80, 100, 140, 250};

START_TEST(no_line_is_wider_than_the_terminal)
{
    json_auto_t *study = some_study();
    json_auto_t *best = some_best();
    json_auto_t *running = some_running();
    json_auto_t *history = some_history();
    struct view view = view_of(study, best, running);
    OWN(buf) struct buf out = {0};
    char line[4096];

    view.history = history;
    buf_init(&out, 1 << 16);
    view_draw(&view, widths[_i], 24, false, &out);
    for (const char *at = buf_text(&out); *at != '\0'; at += strcspn(at, "\n") + 1) {
        (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        ck_assert_uint_le(cell_columns(line), widths[_i]);
    }
}
END_TEST

START_TEST(the_trace_is_the_best_until_each_moment)
{
    json_auto_t *study = some_study();
    json_auto_t *history = some_history();
    struct view view = view_of(study, NULL, NULL);
    double values[4];

    view.history = history;
    view_trace(&view, values, 4); /* after 25, 51, 76 and 102 of 102 seconds */
    ck_assert(isnan(values[0]));
    ck_assert_double_eq(values[1], 0.5);
    ck_assert_double_eq(values[2], 0.5);
    ck_assert_double_eq(values[3], 0.9);
}
END_TEST

START_TEST(a_picture_keeps_within_the_rows)
{
    json_auto_t *study = some_study();
    json_auto_t *best = some_best();
    json_auto_t *running = some_running();
    struct view view = view_of(study, best, running);

    for (size_t rows = 5; rows < 12; rows++) {
        OWN(buf) struct buf out = {0};
        size_t n_lines = 0;
        buf_init(&out, 1 << 16);
        view_draw(&view, 40, rows, true, &out);
        for (const char *c = buf_text(&out); *c != '\0'; c++) {
            n_lines += *c == '\n';
        }
        ck_assert_uint_le(n_lines, rows);
    }
}
END_TEST

START_TEST(rows_that_do_not_fit_are_counted)
{
    json_auto_t *study = some_study();
    json_auto_t *best = some_best();
    json_auto_t *running = some_running();
    struct view view = view_of(study, best, running);
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1 << 16);
    view_draw(&view, 80, 8, false, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "   18  node07:0"));
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "       and 2 more\n"));
    ck_assert_ptr_null(strstr(buf_text(&out), "node08"));
}
END_TEST

START_TEST(a_line_says_the_same_in_a_pipe)
{
    json_auto_t *study = some_study();
    json_auto_t *best = some_best();
    struct view view = view_of(study, best, NULL);
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1 << 16);
    view_line(&view, &out);
    ck_assert_str_eq(
        buf_text(&out),
        "digits: running, 17/40 done, 11 completed, 3 running, 6 pruned, best accuracy "
        "0.973123 (trial 12), 12.4/min, 1:51 left\n");
}
END_TEST

START_TEST(a_study_without_limits_or_values_shows_what_there_is)
{
    json_auto_t *study = json("{\"name\": \"s\", \"state\": \"paused\", \"objectives\":"
                              " [{\"metric\": \"a\"}, {\"metric\": \"b\"}], \"counts\": {}}");
    struct view view = {.study = study, .per_minute = (double)NAN, .elapsed_ms = -1};
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1 << 16);
    view_draw(&view, 80, 24, false, &out);
    ck_assert_str_eq(buf_text(&out), "s  paused\n0 trials done\n0 running\n");
    ck_assert_int_eq(view_remaining_ms(&view), -1);
}
END_TEST

START_TEST(trouble_stands_where_the_rate_was)
{
    json_auto_t *study = some_study();
    struct view view = view_of(study, NULL, NULL);
    OWN(buf) struct buf out = {0};

    view.trouble = "the server does not answer";
    buf_init(&out, 1 << 16);
    view_draw(&view, 60, 24, true, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out),
                                 "\033[1;33mdigits  running 1:42              the server does not "
                                 "answer\033[0m\n"));
}
END_TEST

START_TEST(remaining_time_is_the_nearer_limit)
{
    json_auto_t *study = some_study();
    struct view view = view_of(study, NULL, NULL);

    ck_assert_int_eq(view_remaining_ms(&view), (int64_t)(23 * 60000 / 12.4));
    (void)json_object_set_new(json_object_get(study, "limits"), "seconds", json_integer(110));
    ck_assert_int_eq(view_remaining_ms(&view), 8000);
    (void)json_object_set_new(study, "state", json_string("paused"));
    ck_assert_int_eq(view_remaining_ms(&view), -1);
}
END_TEST

START_TEST(a_study_is_over_when_nothing_runs_any_more)
{
    json_auto_t *study = some_study();
    struct view view = view_of(study, NULL, NULL);

    ck_assert(!view_is_over(&view));
    (void)json_object_set_new(study, "state", json_string("stopped"));
    ck_assert(!view_is_over(&view));
    (void)json_object_set_new(json_object_get(study, "counts"), "running", json_integer(0));
    ck_assert(view_is_over(&view));
}
END_TEST

START_TEST(a_rate_needs_three_trials_and_forgets_after_five_minutes)
{
    struct rate rate = {0};

    rate_add(&rate, 0, 0);
    rate_add(&rate, 10000, 2);
    ck_assert(isnan(rate_per_minute(&rate)));
    rate_add(&rate, 20000, 4);
    ck_assert_double_eq_tol(rate_per_minute(&rate), 12, 1e-9);
    for (int64_t i = 0; i < 1000; i++) {
        rate_add(&rate, 20000 + i * 1000, 4 + i);
        ck_assert_uint_le(rate.n, RATE_SAMPLES);
    }
    ck_assert_double_eq_tol(rate_per_minute(&rate), 60, 1e-9);
    rate_add(&rate, 100000000, 5000);
    ck_assert(isnan(rate_per_minute(&rate)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_view");
    TCase *tcase = tcase_create("view");

    tcase_add_test(tcase, a_picture_shows_how_far_it_is);
    tcase_add_test(tcase, a_narrow_picture_loses_nothing);
    tcase_add_loop_test(tcase, no_line_is_wider_than_the_terminal, 0,
                        (int)(sizeof widths / sizeof widths[0]));
    tcase_add_test(tcase, the_trace_is_the_best_until_each_moment);
    tcase_add_test(tcase, a_picture_keeps_within_the_rows);
    tcase_add_test(tcase, rows_that_do_not_fit_are_counted);
    tcase_add_test(tcase, a_line_says_the_same_in_a_pipe);
    tcase_add_test(tcase, a_study_without_limits_or_values_shows_what_there_is);
    tcase_add_test(tcase, trouble_stands_where_the_rate_was);
    tcase_add_test(tcase, remaining_time_is_the_nearer_limit);
    tcase_add_test(tcase, a_study_is_over_when_nothing_runs_any_more);
    tcase_add_test(tcase, a_rate_needs_three_trials_and_forgets_after_five_minutes);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
