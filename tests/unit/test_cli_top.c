/* The pictures of `hone top` and what its keys do, without a terminal or a server. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/cell.h"
#include "tests/support/run_suite.h"
#include "worker/cli/top/draw.h"
#include "worker/cli/top/feed.h"
#include "worker/cli/top/grid.h"
#include "worker/cli/top/keys.h"
#include "worker/cli/top/orders.h"

static json_t *json(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(value);
    return value;
}

static void some_answers(struct top *top)
{
    top_init(top, "http://tuner:4663");
    top->now_ms = 102000;
    top_take(top, TOP_STUDIES_ANSWER,
             json("[{\"name\": \"svm\", \"state\": \"finished\", \"reason\": \"trials\","
                  "  \"limits\": {\"trials\": 4}, \"counts\": {\"completed\": 4}},"
                  " {\"name\": \"digits\", \"state\": \"running\", \"limits\": {\"trials\": 40},"
                  "  \"counts\": {\"completed\": 10, \"running\": 2, \"failed\": 1}}]"));
    top_take(top, TOP_WORKERS_ANSWER,
             json("[{\"name\": \"a:0\", \"state\": \"active\", \"completed\": 9, \"failed\": 0,"
                  "  \"completed_per_hour\": 4210.3, \"last_report_at\": "
                  "\"1970-01-01T00:01:40.000Z\","
                  "  \"leases\": [{\"study\": \"digits\", \"trial\": 7, \"step\": 4}]},"
                  " {\"name\": \"b:0\", \"state\": \"active\", \"completed\": 1, \"failed\": 0,"
                  "  \"completed_per_hour\": 2.5, \"leases\": []}]"));
}

static void draw(struct top *top, size_t width, size_t height, struct buf *out)
{
    buf_clear(out);
    top_draw(top, width, height, out);
}

START_TEST(one_study_and_one_worker_are_not_several)
{
    OWN(top) struct top top = {0};
    OWN(buf) struct buf out = {0};

    top_init(&top, "http://tuner:4663");
    top_take(&top, TOP_STUDIES_ANSWER, json("[{\"name\": \"svm\", \"state\": \"running\"}]"));
    top_take(&top, TOP_WORKERS_ANSWER, json("[{\"name\": \"a:0\", \"state\": \"active\"}]"));
    buf_init(&out, 1 << 20);
    draw(&top, 80, 10, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "hone  1 study, 1 worker "));
}
END_TEST

START_TEST(the_overview_has_studies_and_workers)
{
    OWN(top) struct top top = {0};
    OWN(buf) struct buf out = {0};

    some_answers(&top);
    buf_init(&out, 1 << 20);
    draw(&top, 80, 10, &out);
    ck_assert_str_eq(
        buf_text(&out),
        "=hone  2 studies, 2 workers                                     http://tuner:4663\n"
        "tSTUDY   STATE              PROGRESS       DONE  RUNNING  WAITING  FAILED\n"
        ">digits  running            ███░░░░░░░░░  11/40        2        0       1\n"
        " svm     finished (trials)  ████████████    4/4        0        0       0\n"
        " \n"
        "tWORKER  STATE   DOES            COMPLETED  FAILED  PER HOUR  SILENT\n"
        " a:0     active  digits #7 at 4          9       0      4210    0:02\n"
        " b:0     active  -                       1       0       2.5       -\n"
        " \n"
        "#q quit  ? keys  Enter open  s sort  Tab workers  p pause  x stop  d drain\n");
}
END_TEST

static void expect_order(struct top *top, int key, const char *method, const char *path,
                         const char *body)
{
    ck_assert_int_eq(top_press(top, key, 10), TOP_REDRAW);
    ck_assert_str_ne(top->order.question, "");
    ck_assert_int_eq(top_press(top, 'y', 10), TOP_SEND);
    ck_assert_str_eq(top->order.method, method);
    ck_assert_str_eq(top->order.path, path);
    ck_assert_str_eq(top->order.body, body);
    ck_assert_int_eq(top_press(top, key, 10), TOP_NOTHING); /* one at a time */
    top_order_done(top);
}

START_TEST(a_key_orders_what_is_chosen_after_a_yes)
{
    OWN(top) struct top top = {0};
    OWN(buf) struct buf out = {0};

    some_answers(&top);
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(top_press(&top, 'p', 10), TOP_REDRAW);
    draw(&top, 80, 10, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "!y yes, other keys no: pause digits? "));
    ck_assert_int_eq(top_press(&top, 'q', 10), TOP_REDRAW); /* no, and it does not leave */
    ck_assert_str_eq(top.order.question, "");
    draw(&top, 80, 10, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "!not done: it is left as it was"));
    expect_order(&top, 'p', "PATCH", "/v1/studies/digits", "{\"state\": \"paused\"}");
    draw(&top, 80, 10, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "+digits is paused"));
    expect_order(&top, 'x', "PATCH", "/v1/studies/digits", "{\"state\": \"stopped\"}");
    ck_assert_int_eq(top_press(&top, 'c', 10), TOP_NOTHING); /* no trial is chosen */
    ck_assert_int_eq(top_press(&top, 'd', 10), TOP_NOTHING); /* nor a worker */
    (void)top_press(&top, TOP_KEY_DOWN, 10);
    ck_assert_int_eq(top_press(&top, 'p', 10), TOP_NOTHING); /* it is finished */
    (void)top_press(&top, '\t', 10);
    expect_order(&top, 'd', "POST", "/v1/workers/a:0/drain", "{}");
}
END_TEST

START_TEST(trials_are_cancelled_and_tried_again)
{
    OWN(top) struct top top = {0};
    struct top_place place = {.page = TOP_TRIAL, .study = "a b", .trial = 7};

    top_init(&top, "http://tuner:4663");
    top_open(&top, &place);
    ck_assert_int_eq(top_press(&top, 't', 10), TOP_NOTHING); /* it is not known yet */
    top_take(&top, TOP_TRIAL_ANSWER, json("{\"number\": 7, \"state\": \"failed\"}"));
    expect_order(&top, 't', "POST", "/v1/studies/a%20b/trials/7/retry", "{}");
    expect_order(&top, 'c', "PATCH", "/v1/studies/a%20b/trials/7", "{\"state\": \"cancelled\"}");
}
END_TEST

START_TEST(a_narrow_terminal_has_the_columns_that_matter)
{
    OWN(top) struct top top = {0};
    OWN(buf) struct buf out = {0};

    some_answers(&top);
    buf_init(&out, 1 << 20);
    draw(&top, 40, 9, &out);
    ck_assert_str_eq(buf_text(&out), "=hone  2 studies, 2 workers\n"
                                     "tSTUDY   STATE               DONE\n"
                                     ">digits  running            11/40\n"
                                     " svm     finished (trials)    4/4\n"
                                     " \n"
                                     "tWORKER  STATE   DOES            PER HOUR\n"
                                     " a:0     active  digits #7 at 4      4210\n"
                                     " b:0     active  -                    2.5\n"
                                     "#q quit  ? keys  Enter open  s sort\n");
}
END_TEST

/* Every page of these answers, at any size: no line is too wide, none too many. */
static const size_t widths[] = {20, 39, 40, 41, 60, 79, 80, 120, 250};
static const size_t heights[] = {2, 5, 10, 24, 60};

static void check_size(struct top *top, size_t width, size_t height)
{
    OWN(buf) struct buf out = {0};
    size_t n = 0;

    buf_init(&out, 4 << 20);
    top_draw(top, width, height, &out);
    for (const char *at = buf_text(&out); *at != '\0'; at += strcspn(at, "\n") + 1) {
        char line[4096];
        (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n") - 1, at + 1);
        ck_assert_msg(cell_columns(line) <= width, "%zu: %s", width, line);
        ck_assert(strpbrk(line, "\033\a\r") == NULL);
        n++;
    }
    ck_assert_uint_eq(n, height);
}

#define HOSTILE "\\u001b[2J\\u0007\\u202e"

static void more_answers(struct top *top)
{
    top_take(top, TOP_STUDY_ANSWER,
             json("{\"name\": \"d" HOSTILE "\", \"state\": \"running\", \"objectives\": "
                  "[{\"metric\": \"m\"}], \"counts\": {\"running\": 5000}}"));
    top_take(top, TOP_TRIALS_ANSWER,
             json("[{\"number\": 1, \"state\": \"" HOSTILE "\", \"value\": \"NaN\","
                  "  \"worker\": \"a-very-long-name-of-a-node.with.a.domain:12\","
                  "  \"parameters\": {\"" HOSTILE "\": \"" HOSTILE "\"}}]"));
    top_take(top, TOP_TRIAL_ANSWER,
             json("{\"number\": 1, \"state\": \"failed\", \"parameters\":"
                  " {\"x\": 0.1234567890123}}"));
    top_take(top, TOP_LOG_ANSWER,
             json_string("a line that is much longer than forty columns, as lines often are\nx"));
    (void)snprintf(top->trouble, sizeof top->trouble, "%s",
                   "the server does not answer; trying again (connection refused)");
}

START_TEST(every_page_fits_every_terminal)
{
    OWN(top) struct top top = {0};

    some_answers(&top);
    more_answers(&top);
    top.places[0].page = (enum top_page)_i;
    (void)strcpy(top.places[0].worker, "a:0");
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        for (size_t h = 0; h < sizeof heights / sizeof heights[0]; h++) {
            check_size(&top, widths[w], heights[h]);
        }
    }
}
END_TEST

START_TEST(a_server_without_anything_is_shown_too)
{
    OWN(top) struct top top = {0};

    top_init(&top, "");
    top.places[0].page = (enum top_page)_i;
    check_size(&top, 80, 24);
    top_take(&top, TOP_STUDIES_ANSWER, json_array());
    top_take(&top, TOP_WORKERS_ANSWER, json_array());
    top_take(&top, TOP_TRIALS_ANSWER, json_array());
    check_size(&top, 80, 24);
    for (int key = 0; key <= TOP_KEY_BACK; key++) {
        (void)top_press(&top, key, 10);
        check_size(&top, 40, 10);
    }
}
END_TEST

START_TEST(the_chosen_row_stays_chosen_when_the_order_changes)
{
    OWN(top) struct top top = {0};
    OWN(top_rows) struct top_rows rows = {0};

    some_answers(&top);
    ck_assert_int_eq(top_press(&top, TOP_KEY_DOWN, 10), TOP_REDRAW);
    ck_assert_str_eq(top_shown(&top)->row, "study:svm");
    ck_assert_int_eq(top_press(&top, 'r', 10), TOP_REDRAW);
    top_rows(&top, &rows);
    ck_assert_str_eq(rows.keys[0], "study:svm");
    ck_assert_uint_eq(top_row_at(&top, &rows), 0);
    top_take(&top, TOP_STUDIES_ANSWER, json("[{\"name\": \"digits\"}]")); /* svm is deleted */
    top_rows_finish(&rows);
    top_rows(&top, &rows);
    ck_assert_str_eq(rows.keys[top_row_at(&top, &rows)], "worker:b:0");
}
END_TEST

START_TEST(the_slowest_worker_is_two_keys_away)
{
    OWN(top) struct top top = {0};
    OWN(top_rows) struct top_rows rows = {0};

    some_answers(&top);
    (void)top_press(&top, '\t', 10);
    (void)top_press(&top, 's', 10);
    top_rows(&top, &rows);
    ck_assert_str_eq(rows.keys[rows.n_studies], "worker:b:0");
}
END_TEST

START_TEST(pages_are_opened_and_left)
{
    OWN(top) struct top top = {0};

    some_answers(&top);
    ck_assert_int_eq(top_press(&top, TOP_KEY_BACK, 10), TOP_NOTHING);
    ck_assert_int_eq(top_press(&top, TOP_KEY_ENTER, 10), TOP_ASK);
    ck_assert_int_eq(top_shown(&top)->page, TOP_STUDY);
    ck_assert_str_eq(top_shown(&top)->study, "digits");
    top_take(&top, TOP_TRIALS_ANSWER, json("[{\"number\": 7}, {\"number\": 9}]"));
    (void)top_press(&top, TOP_KEY_END, 10);
    ck_assert_int_eq(top_press(&top, TOP_KEY_ENTER, 10), TOP_ASK);
    ck_assert_int_eq(top_shown(&top)->trial, 9);
    top_take(&top, TOP_LOG_ANSWER, json_string("of trial 9"));
    ck_assert_int_eq(top_press(&top, 'b', 10), TOP_ASK);
    ck_assert_int_eq(top_press(&top, TOP_KEY_BACK, 10), TOP_ASK);
    ck_assert_ptr_nonnull(top.answers[TOP_LOG_ANSWER]);
    (void)top_press(&top, TOP_KEY_BACK, 10);
    ck_assert_int_eq(top_shown(&top)->page, TOP_STUDY);
    ck_assert_str_eq(top_shown(&top)->row, "trial:9");
    (void)top_press(&top, TOP_KEY_UP, 10);
    (void)top_press(&top, TOP_KEY_ENTER, 10);
    ck_assert_int_eq(top_shown(&top)->trial, 7);
    ck_assert_ptr_null(top.answers[TOP_LOG_ANSWER]); /* that of another trial is never shown */
    ck_assert_int_eq(top_press(&top, 'q', 10), TOP_QUIT);
}
END_TEST

START_TEST(a_worker_leads_to_its_trial)
{
    OWN(top) struct top top = {0};

    some_answers(&top);
    (void)top_press(&top, '\t', 10);
    (void)top_press(&top, TOP_KEY_ENTER, 10);
    ck_assert_int_eq(top_shown(&top)->page, TOP_WORKER);
    ck_assert_int_eq(top_press(&top, TOP_KEY_ENTER, 10), TOP_ASK);
    ck_assert_int_eq(top_shown(&top)->page, TOP_TRIAL);
    ck_assert_int_eq(top_shown(&top)->trial, 7);
    ck_assert_str_eq(top_shown(&top)->study, "digits");
}
END_TEST

START_TEST(a_text_is_not_scrolled_beyond_its_end)
{
    OWN(top) struct top top = {0};
    OWN(buf) struct buf out = {0};

    top_init(&top, "");
    (void)top_press(&top, '?', 10);
    (void)top_press(&top, TOP_KEY_END, 10);
    buf_init(&out, 1 << 20);
    draw(&top, 80, 10, &out);
    size_t end = top_shown(&top)->scroll;
    ck_assert_uint_gt(end, 0);
    ck_assert_uint_lt(end, 40);
    (void)top_press(&top, TOP_KEY_UP, 10);
    ck_assert_uint_eq(top_shown(&top)->scroll, end - 1);
}
END_TEST

START_TEST(names_are_escaped_where_they_are_asked_for)
{
    OWN(top) struct top top = {0};
    OWN(buf) struct buf path = {0};

    top_init(&top, "");
    top.places[0] = (struct top_place){.page = TOP_STUDY, .study = "a/b?c", .trial = 3};
    buf_init(&path, 4096);
    feed_path(&top, TOP_TRIALS_ANSWER, &path);
    ck_assert_str_eq(buf_text(&path), "/v1/studies/a%2Fb%3Fc/trials?state=running&limit=200");
    buf_clear(&path);
    feed_path(&top, TOP_LOG_ANSWER, &path);
    ck_assert_str_eq(buf_text(&path), "/v1/studies/a%2Fb%3Fc/trials/3/log?tail=40");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_top");
    TCase *tcase = tcase_create("top");

    tcase_add_test(tcase, the_overview_has_studies_and_workers);
    tcase_add_test(tcase, one_study_and_one_worker_are_not_several);
    tcase_add_test(tcase, a_key_orders_what_is_chosen_after_a_yes);
    tcase_add_test(tcase, trials_are_cancelled_and_tried_again);
    tcase_add_test(tcase, a_narrow_terminal_has_the_columns_that_matter);
    tcase_add_loop_test(tcase, every_page_fits_every_terminal, TOP_OVERVIEW, TOP_HELP + 1);
    tcase_add_loop_test(tcase, a_server_without_anything_is_shown_too, TOP_OVERVIEW, TOP_HELP + 1);
    tcase_add_test(tcase, the_chosen_row_stays_chosen_when_the_order_changes);
    tcase_add_test(tcase, the_slowest_worker_is_two_keys_away);
    tcase_add_test(tcase, pages_are_opened_and_left);
    tcase_add_test(tcase, a_worker_leads_to_its_trial);
    tcase_add_test(tcase, a_text_is_not_scrolled_beyond_its_end);
    tcase_add_test(tcase, names_are_escaped_where_they_are_asked_for);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
