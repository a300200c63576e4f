#include <check.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/support/schedule_fixture.h"

/* 27 slots: nine report, the rest still train. */
static struct fixture half_a_rung(void)
{
    struct fixture f =
        fixture_open("\"strategy\": {\"name\": \"hyperband\", \"rounds\": 1, \"brackets\": 1}, "
                     "\"objectives\": [{\"metric\": \"acc\", \"direction\": \"maximize\"}], "
                     "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 27}");

    for (int64_t trial = 1; trial <= 27; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    f.moment.now_ms = 5000;
    for (int64_t trial = 1; trial <= 11; trial++) {
        (void)fixture_measure(&f, trial, 1, (double)trial / 100);
        (void)fixture_finish(&f, trial, 1);
    }
    return f;
}

static json_t *explain(const struct fixture *f, int64_t trial)
{
    OWN(buf) struct buf text;
    struct json_writer w;
    struct err err = {0};
    json_t *read = NULL;

    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    ck_assert_int_eq(schedule_write_explanation(f->study, f->log.n, f->log.items, trial, &w, &err),
                     0);
    json_object_end(&w);
    ck_assert_int_eq(json_parse(buf_text(&text), text.len, &json_limits_default, &read, &err), 0);
    return read;
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

START_TEST(stopped_trial_is_explained_by_its_rank_and_the_cut)
{
    struct fixture f = half_a_rung();
    json_auto_t *explanation = explain(&f, 1);
    const json_t *history = json_object_get(explanation, "history");
    const json_t *decision = json_array_get(history, json_array_size(history) - 1);

    ck_assert_str_eq(json_string_value(json_object_get(decision, "event")), "lose");
    ck_assert_int_eq(number(decision, "rank"), 10);
    ck_assert_int_eq(number(decision, "reported"), 10);
    ck_assert_int_eq(number(decision, "advance"), 9);
    ck_assert_double_eq(json_number_value(json_object_get(decision, "cutoff")), .02);
    ck_assert_int_eq(number(json_array_get(json_object_get(decision, "rivals"), 0), "trial"), 10);
    ck_assert_str_eq(json_string_value(json_object_get(decision, "text")),
                     "pruned: 0.01 at 1 epoch was number 10 of 10; the best 9 go on, down to 0.02");
    fixture_close(&f);
}
END_TEST

START_TEST(waiting_trial_is_explained)
{
    struct fixture f = half_a_rung();
    json_auto_t *explanation = explain(&f, 11);

    ck_assert_str_eq(json_string_value(json_object_get(explanation, "text")),
                     "waits at 1 epoch with 0.11, number 1 of 11 so far; the best 9 go on, and 16 "
                     "more are to report");
    fixture_close(&f);
}
END_TEST

START_TEST(unknown_trial_is_not_found)
{
    struct fixture f = half_a_rung();
    OWN(buf) struct buf text;
    struct json_writer w;
    struct err err = {0};

    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    ck_assert_int_eq(schedule_write_explanation(f.study, f.log.n, f.log.items, 99, &w, &err), -1);
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    fixture_close(&f);
}
END_TEST

static json_t *view_in(const struct fixture *f, enum study_state study, int64_t now_ms)
{
    OWN(buf) struct buf text;
    struct json_writer w;
    struct err err = {0};
    json_t *read = NULL;

    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    schedule_write_brackets(f->schedule, study, now_ms, NULL, &w);
    json_object_end(&w);
    ck_assert_int_eq(json_parse(buf_text(&text), text.len, &json_limits_default, &read, &err), 0);
    return read;
}

static json_t *view(const struct fixture *f, int64_t now_ms)
{
    return view_in(f, STUDY_RUNNING, now_ms);
}

static const char *said(const json_t *seen, const char *key)
{
    const json_t *bracket = json_array_get(json_object_get(seen, "brackets"), 0);

    return json_string_value(json_object_get(bracket, key));
}

START_TEST(bracket_without_anything_left_to_do_is_done)
{
    struct fixture f = fixture_open("\"strategy\": {\"name\": \"asha\", \"brackets\": 1}, "
                                    "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 9}");
    struct err err = {0};

    (void)fixture_ask(&f, NULL);
    json_auto_t *begun = view(&f, 0);
    ck_assert_int_eq(number(begun, "open"), 1);
    ck_assert_str_eq(said(begun, "next"), "a new configuration starts, up to 1");
    ck_assert_int_eq(schedule_seal(f.schedule, &f.moment, &f.log, &err), 0);
    json_auto_t *awaited = view(&f, 0);
    ck_assert_str_eq(said(awaited, "next"), "rung 0 waits for 1 running trial");
    fixture_end(&f, 1, FACT_FAIL);
    json_auto_t *ended = view(&f, 0);
    ck_assert_int_eq(number(ended, "open"), 0);
    ck_assert_str_eq(said(ended, "state"), "done");
    ck_assert_str_eq(said(ended, "next"), "done");
    fixture_close(&f);
}
END_TEST

static const struct {
    enum study_state study;
    int open;
    const char *state, *next;
} halted[] = {
    {STUDY_RUNNING, 1, "open", "a new configuration starts, up to 1"},
    {STUDY_PAUSED, 1, "open", "once the study is resumed, a new configuration starts, up to 1"},
    {STUDY_STOPPED, 1, "open", "once the study is resumed, a new configuration starts, up to 1"},
    {STUDY_FINISHED, 0, "done", "done"},
};

START_TEST(what_happens_next_depends_on_the_study)
{
    struct fixture f =
        fixture_open("\"strategy\": {\"name\": \"hyperband\", \"rounds\": 1, \"brackets\": 1}, "
                     "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 9}");

    (void)fixture_ask(&f, NULL);
    (void)fixture_measure(&f, 1, 1, .5);
    (void)fixture_finish(&f, 1, 1);
    json_auto_t *seen = view_in(&f, halted[_i].study, 0);
    ck_assert_int_eq(number(seen, "open"), halted[_i].open);
    ck_assert_str_eq(said(seen, "state"), halted[_i].state);
    ck_assert_str_eq(said(seen, "next"), halted[_i].next);
    fixture_close(&f);
}
END_TEST

static const struct {
    enum schedule_fact how;
    const char *text;
} ends[] = {
    {FACT_FAIL, "has ended: it brought no value for this rung"},
    {FACT_CANCEL, "has ended: it was cancelled"},
    {FACT_DROP, "has ended: it still waited when the study was over"},
};

START_TEST(end_is_the_one_that_happened)
{
    struct fixture f = half_a_rung();

    fixture_end(&f, 12, FACT_FAIL);
    fixture_end(&f, 13, FACT_CANCEL);
    fixture_end(&f, 11, ends[_i].how);
    json_auto_t *explanation = explain(&f, 11);
    ck_assert_str_eq(json_string_value(json_object_get(explanation, "text")), ends[_i].text);
    fixture_close(&f);
}
END_TEST

START_TEST(view_shows_rungs_and_whom_they_wait_for)
{
    struct fixture f = half_a_rung();
    json_auto_t *seen = view(&f, 12000);
    const json_t *bracket = json_array_get(json_object_get(seen, "brackets"), 0);
    const json_t *rung = json_array_get(json_object_get(bracket, "rungs"), 0);
    const json_t *awaited = json_object_get(rung, "waits_for");

    ck_assert_str_eq(json_string_value(json_object_get(seen, "schedule")), "hyperband");
    ck_assert_str_eq(json_string_value(json_object_get(bracket, "next")),
                     "rung 0 waits for 16 running trials");
    ck_assert_int_eq(number(rung, "size"), 27);
    ck_assert_int_eq(number(rung, "entered"), 27);
    ck_assert_int_eq(number(rung, "reported"), 11);
    ck_assert_int_eq(number(rung, "waiting"), 9);
    ck_assert_uint_eq(json_array_size(awaited), 16);
    ck_assert_int_eq(number(json_array_get(awaited, 0), "trial"), 12);
    ck_assert_int_eq(number(json_array_get(awaited, 0), "seconds"), 12);
    ck_assert_uint_eq(json_array_size(json_object_get(bracket, "rungs")), 4);
    ck_assert_int_eq(number(seen, "trained"), 11);
    ck_assert_int_eq(number(seen, "full_training"), 27 * 27);
    fixture_close(&f);
}
END_TEST

/* Another one, made of the stored facts alone. */
static struct fixture rebuilt(const struct fixture *f, const char *members)
{
    struct fixture twin = fixture_open(members);
    struct err err = {0};

    for (size_t i = 0; i < f->log.n; i++) {
        ck_assert_int_eq(schedule_load(twin.schedule, &f->log.items[i], &err), 0);
    }
    return twin;
}

/* One trial is stopped at 2, one is late at 1, one has its value at 3. */
START_TEST(saving_is_the_same_after_a_restart)
{
    static const char members[] =
        "\"strategy\": {\"name\": \"hyperband\", \"rounds\": 1, \"brackets\": 1, "
        "\"quorum\": 0.2}, \"stopping\": {\"rule\": \"threshold\", \"step\": 1, "
        "\"value\": 0.5}, \"resource\": {\"name\": \"epochs\", \"min\": 3, \"max\": 9}";
    struct fixture f = fixture_open(members);
    int64_t next_ms;
    struct err err = {0};

    for (int64_t trial = 1; trial <= 3; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    ck_assert_int_eq(fixture_measure(&f, 1, 2, .9), VERDICT_PRUNE);
    (void)fixture_measure(&f, 2, 1, .4);
    f.moment.now_ms = 1000;
    (void)fixture_measure(&f, 3, 3, .3);
    (void)fixture_finish(&f, 3, 3);
    f.moment.now_ms = 10000;
    ck_assert_int_eq(schedule_tick(f.schedule, &f.moment, &f.log, &next_ms, &err), 0);
    ck_assert_int_eq(fixture_count(&f, FACT_THRESHOLD, 1), 1);
    ck_assert_int_eq(fixture_count(&f, FACT_LATE, 2), 1);
    struct fixture twin = rebuilt(&f, members);
    json_auto_t *before = view(&f, 0);
    json_auto_t *after = view(&twin, 0);
    ck_assert_int_eq(number(before, "trained"), 2 + 1 + 3);
    ck_assert_int_eq(number(after, "trained"), 2 + 1 + 3);
    ck_assert(json_equal(before, after));
    fixture_close(&f);
    fixture_close(&twin);
}
END_TEST

START_TEST(ended_trials_count_what_they_trained_after_a_restart)
{
    static const char members[] =
        "\"strategy\": \"random\", \"stopping\": {\"rule\": \"median\", \"after\": 1, "
        "\"warmup\": 1}, \"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 9}";
    struct fixture f = fixture_open(members);

    for (int64_t trial = 1; trial <= 4; trial++) {
        (void)fixture_ask(&f, NULL);
        (void)fixture_measure(&f, trial, 2 + trial, (double)trial);
    }
    (void)fixture_measure(&f, 1, 9, 1);
    (void)fixture_finish(&f, 1, 9);
    fixture_end(&f, 2, FACT_FAIL);
    fixture_end(&f, 3, FACT_CANCEL);
    (void)fixture_measure(&f, 4, 9 - 1, 7);
    (void)fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, 5, 3, 8), VERDICT_PRUNE);
    struct fixture twin = rebuilt(&f, members);
    ck_assert_int_eq(schedule_recall(twin.schedule, 4, 0, 8, 7, NULL), 0);
    json_auto_t *before = view(&f, 0);
    json_auto_t *after = view(&twin, 0);
    ck_assert_int_eq(number(before, "trained"), 9 + 4 + 5 + 8 + 3);
    ck_assert(json_equal(before, after));
    fixture_close(&f);
    fixture_close(&twin);
}
END_TEST

START_TEST(view_of_a_plain_study_is_empty)
{
    struct fixture f = fixture_open("\"strategy\": \"random\"");
    json_auto_t *seen = view(&f, 0);

    ck_assert_str_eq(json_string_value(json_object_get(seen, "schedule")), "none");
    ck_assert_uint_eq(json_array_size(json_object_get(seen, "brackets")), 0);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *tcase = tcase_create("explain");

    tcase_add_test(tcase, stopped_trial_is_explained_by_its_rank_and_the_cut);
    tcase_add_test(tcase, waiting_trial_is_explained);
    tcase_add_test(tcase, unknown_trial_is_not_found);
    tcase_add_test(tcase, view_shows_rungs_and_whom_they_wait_for);
    tcase_add_test(tcase, bracket_without_anything_left_to_do_is_done);
    tcase_add_loop_test(tcase, what_happens_next_depends_on_the_study, 0,
                        sizeof halted / sizeof halted[0]);
    tcase_add_loop_test(tcase, end_is_the_one_that_happened, 0, sizeof ends / sizeof ends[0]);
    tcase_add_test(tcase, saving_is_the_same_after_a_restart);
    tcase_add_test(tcase, ended_trials_count_what_they_trained_after_a_restart);
    tcase_add_test(tcase, view_of_a_plain_study_is_empty);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
