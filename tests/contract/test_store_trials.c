/* store.h, demanded of every store behind it: trials and attempts. */
#include "tests/contract/store_fixture.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- callbacks that note what they were given ---- */

static int see_trial(void *context, struct trial_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 "/%" PRId64 " ", trial_id_study(row->id),
               trial_id_number(row->id));
    return 0;
}

static int see_worker_of_trial(void *context, struct trial_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%s ", row->worker);
    return 0;
}

/* ---- cases ---- */

START_TEST(trial_reads_back_as_inserted)
{
    OWN(trial_row) struct trial_row read = {0};

    begin_case(_i);
    struct trial_row row = script_trial(add_study("s"), 7, TRIAL_QUEUED);
    MUST(store_trial_insert(f.store, &row, &f.err));
    MUST(store_trial_load(f.store, row.id, &read, &f.err));
    ck_assert_int_eq(read.id, row.id);
    ck_assert_int_eq(read.state, TRIAL_QUEUED);
    ck_assert_str_eq(read.reason, "");
    ck_assert_int_eq(read.source, SOURCE_SUGGESTED);
    ck_assert(read.fallback && !read.has_step);
    ck_assert_uint_eq(read.ordinal, 7);
    ck_assert_int_eq(read.attempt_id, 0);
    ck_assert_uint_eq(read.n_params, 3);
    ck_assert_double_eq(read.config[0], 0.25);
    ck_assert_double_nan(read.config[1]);
    ck_assert_uint_eq(read.n_values, 0);
    ck_assert_ptr_null(read.metrics);
    ck_assert_str_eq(read.explain, row.explain);
    ck_assert_int_eq(read.created_at_ms, 2007);
    ck_assert_int_eq(read.ended_at_ms, 0);
    ck_assert_str_eq(read.worker, "");
    end_case();
}
END_TEST

/* None, one (in the column that trials are sorted by), or one an objective. */
START_TEST(as_many_values_come_back_as_went_in)
{
    begin_case(_i);
    struct trial_row row = script_trial(add_study("s"), 1, TRIAL_COMPLETED);
    MUST(store_trial_insert(f.store, &row, &f.err));
    for (size_t n = OBJECTIVES_MAX + 1; n-- > 0;) {
        OWN(trial_row) struct trial_row read = {0};
        row.n_values = n;
        for (size_t k = 0; k < n; k++) {
            row.values[k] = k == 1 ? (double)INFINITY : 10.5 - (double)(n * k);
        }
        MUST(store_trial_update(f.store, &row, &f.err));
        MUST(store_trial_load(f.store, row.id, &read, &f.err));
        ck_assert_uint_eq(read.n_values, n);
        ck_assert_mem_eq(read.values, row.values, n * sizeof row.values[0]);
        ck_assert_int_eq(isfinite(trial_row_value(&read)) != 0, n == 1);
    }
    end_case();
}
END_TEST

START_TEST(trial_update_changes_all_but_its_birth)
{
    static char metrics[] = "{\"loss\":1}";
    OWN(trial_row) struct trial_row read = {0};

    begin_case(_i);
    struct trial_row row = script_trial(add_study("s"), 1, TRIAL_QUEUED);
    MUST(store_trial_insert(f.store, &row, &f.err));
    double other[] = {9};
    struct trial_row update = {.id = row.id,
                               .state = TRIAL_FAILED,
                               .reason = "diverged",
                               .source = SOURCE_IMPORTED,
                               .ordinal = 99,
                               .attempt = 3,
                               .losses = 1,
                               .failures = 2,
                               .n_params = 1,
                               .config = other,
                               .n_values = 2,
                               .values = {1, -2},
                               .n_bounded = 2,
                               .bounded = {(double)NAN, (double)INFINITY},
                               .metrics = metrics,
                               .has_step = true,
                               .step = 0,
                               .created_at_ms = 1,
                               .started_at_ms = 3000,
                               .ended_at_ms = 4000,
                               .ended_seq = 12,
                               .replaced = 5,
                               .ignored = 6};
    MUST(store_trial_update(f.store, &update, &f.err));
    MUST(store_trial_load(f.store, row.id, &read, &f.err));
    ck_assert_int_eq(read.state, TRIAL_FAILED);
    ck_assert_str_eq(read.reason, "diverged");
    ck_assert_int_eq(read.attempt, 3);
    ck_assert_int_eq(read.losses, 1);
    ck_assert_int_eq(read.failures, 2);
    ck_assert(read.has_step);
    ck_assert_uint_eq(read.n_values, 2);
    ck_assert_double_eq(read.values[1], -2);
    ck_assert_uint_eq(read.n_bounded, 2);
    ck_assert_double_nan(read.bounded[0]);
    ck_assert_double_eq(read.bounded[1], (double)INFINITY);
    ck_assert_str_eq(read.metrics, metrics);
    ck_assert_int_eq(read.step, 0);
    ck_assert_int_eq(read.started_at_ms, 3000);
    ck_assert_int_eq(read.ended_at_ms, 4000);
    ck_assert_int_eq(read.ended_seq, 12);
    ck_assert_int_eq(read.replaced, 5);
    ck_assert_int_eq(read.ignored, 6);
    /* its birth */
    ck_assert_int_eq(read.source, SOURCE_SUGGESTED);
    ck_assert_uint_eq(read.ordinal, 1);
    ck_assert_uint_eq(read.n_params, 3);
    ck_assert_str_eq(read.explain, row.explain);
    ck_assert_int_eq(read.created_at_ms, 2001);
    end_case();
}
END_TEST

START_TEST(row_that_does_not_exist_is_not_found)
{
    struct trial_row trial = {.id = 5};
    struct attempt_row attempt = {.id = 6};

    begin_case(_i);
    MUST_FAIL(store_trial_load(f.store, trial_id(1, 1), &trial, &f.err), ERR_NOT_FOUND);
    MUST_FAIL(store_attempt_load(f.store, 1, &attempt, &f.err), ERR_NOT_FOUND);
    ck_assert_int_eq(trial.id, 5); /* outputs are written only on success */
    ck_assert_int_eq(attempt.id, 6);
    end_case();
}
END_TEST

START_TEST(open_trials_are_those_that_have_not_ended)
{
    begin_case(_i);
    int64_t a = add_study("a");
    int64_t b = add_study("b");
    for (int state = 0; state < TRIAL_STATE_COUNT; state++) {
        add_trial(a, state + 1, (enum trial_state)state);
    }
    add_trial(b, 1, TRIAL_RUNNING);
    MUST(store_each_open_trial(f.store, see_trial, NULL, &f.err));
    expect_seen("1/1 1/2 1/3 2/1 ");
    end_case();
}
END_TEST

/* Ten trials of the second of three studies: 1, 3, 5, … are completed, the others queued. */
static int64_t fill_for_pages(void)
{
    int64_t before = add_study("before");
    int64_t study = add_study("paged");
    int64_t behind = add_study("behind");

    add_trial(before, 9, TRIAL_QUEUED);
    add_trial(behind, 1, TRIAL_QUEUED);
    for (int64_t number = 1; number <= 10; number++) {
        add_trial(study, number, number % 2 == 1 ? TRIAL_COMPLETED : TRIAL_QUEUED);
    }
    return study;
}

static const struct {
    int64_t after;
    bool reverse;
    int limit;
    unsigned states;
    const char *expected;
} pages[] = {
    {0, false, 3, 0, "2/1 2/2 2/3 "},
    {3, false, 3, 0, "2/4 2/5 2/6 "},
    {9, false, 3, 0, "2/10 "},
    {10, false, 3, 0, ""},
    {0, true, 3, 0, "2/10 2/9 2/8 "},
    {8, true, 3, 0, "2/7 2/6 2/5 "},
    {2, true, 3, 0, "2/1 "},
    {1, true, 3, 0, ""},
    {0, false, 3, 1u << TRIAL_COMPLETED, "2/1 2/3 2/5 "},
    {5, false, 9, 1u << TRIAL_COMPLETED, "2/7 2/9 "},
    {0, true, 2, 1u << TRIAL_QUEUED, "2/10 2/8 "},
    {0, false, 2, 1u << TRIAL_COMPLETED | 1u << TRIAL_QUEUED, "2/1 2/2 "},
    {0, false, 9, 1u << TRIAL_FAILED, ""},
};

START_TEST(page_starts_beyond_the_key)
{
    begin_case(_i);
    int64_t study = fill_for_pages();
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const struct trial_query query = {.study = study,
                                          .after_number = pages[i].after,
                                          .reverse = pages[i].reverse,
                                          .limit = pages[i].limit,
                                          .states = pages[i].states};
        MUST(store_each_trial(f.store, &query, see_trial, NULL, &f.err));
        expect_seen(pages[i].expected);
    }
    end_case();
}
END_TEST

START_TEST(trial_names_the_worker_of_its_newest_attempt)
{
    begin_case(_i);
    struct trial_row row = script_trial(add_study("s"), 1, TRIAL_RUNNING);
    int64_t a = add_worker("a:0");
    int64_t b = add_worker("b:0");
    MUST(store_trial_insert(f.store, &row, &f.err));
    (void)add_attempt(row.id, 1, a);
    row.attempt_id = add_attempt(row.id, 2, b);
    MUST(store_trial_update(f.store, &row, &f.err));
    struct store *reader = open_reader();
    const struct trial_query query = {.study = trial_id_study(row.id), .limit = 9};
    MUST(store_each_trial(reader, &query, see_worker_of_trial, NULL, &f.err));
    expect_seen("b:0 ");
    store_close(reader);
    end_case();
}
END_TEST

START_TEST(attempt_reads_back_as_updated)
{
    static char detail[] = "killed";
    OWN(attempt_row) struct attempt_row read = {0};
    OWN(attempt_row) struct attempt_row again = {0};

    begin_case(_i);
    int64_t trial = trial_id(add_study("s"), 1);
    add_trial(trial_id_study(trial), 1, TRIAL_RUNNING);
    struct attempt_row row = script_attempt(trial, 1, add_worker("a:0"));
    MUST(store_attempt_insert(f.store, &row, &f.err));
    MUST(store_attempt_load(f.store, row.id, &read, &f.err));
    ck_assert_int_eq(read.trial, trial);
    ck_assert_mem_eq(read.secret, row.secret, sizeof row.secret);
    ck_assert(read.has_request && !read.has_result && !read.has_step && !read.late);
    ck_assert_mem_eq(read.request, row.request, sizeof row.request);
    ck_assert_int_eq(read.from, 1);
    ck_assert_int_eq(read.to, 9);
    ck_assert_int_eq(read.end, ATTEMPT_LIVE);
    ck_assert_ptr_null(read.detail);
    row.to = 27;
    row.end = ATTEMPT_LOST;
    row.detail = detail;
    row.has_step = true;
    row.step = 4;
    row.late = true;
    row.has_result = true;
    row.ended_at_ms = 7000;
    MUST(store_attempt_update(f.store, &row, &f.err));
    MUST(store_attempt_load(f.store, row.id, &again, &f.err));
    ck_assert_int_eq(again.to, 27);
    ck_assert_int_eq(again.end, ATTEMPT_LOST);
    ck_assert_str_eq(again.detail, detail);
    ck_assert(again.has_step && again.late && again.has_result);
    ck_assert_int_eq(again.step, 4);
    ck_assert_int_eq(again.ended_at_ms, 7000);
    ck_assert_str_eq(again.worker_name, "a:0");
    end_case();
}
END_TEST

START_TEST(attempts_of_a_trial_come_in_order_of_number)
{
    begin_case(_i);
    int64_t study = add_study("s");
    int64_t worker = add_worker("a:0");
    add_trial(study, 1, TRIAL_RUNNING);
    add_trial(study, 2, TRIAL_RUNNING);
    (void)add_attempt(trial_id(study, 1), 2, worker);
    (void)add_attempt(trial_id(study, 2), 1, worker);
    (void)add_attempt(trial_id(study, 1), 1, worker);
    MUST(store_each_attempt(f.store, trial_id(study, 1), see_attempt, NULL, &f.err));
    expect_seen("1#1@a:0 1#2@a:0 ");
    end_case();
}
END_TEST

/* An attempt of this trial that ends at `at_ms`, with its event, as every attempt ends. */
static void end_attempt(int64_t trial, int64_t worker, bool has_request, int64_t at_ms)
{
    struct attempt_row row = script_attempt(trial, 1, worker);
    const struct event_row event = {.study = trial_id_study(trial),
                                    .kind = EVENT_ATTEMPT_ENDED,
                                    .trial = trial_id_number(trial),
                                    .attempt = 1,
                                    .at_ms = at_ms};
    int64_t seq;

    row.has_request = has_request;
    MUST(store_attempt_insert(f.store, &row, &f.err));
    row.end = ATTEMPT_RELEASED;
    row.ended_at_ms = at_ms;
    MUST(store_attempt_update(f.store, &row, &f.err));
    MUST(store_event_append(f.store, &event, &seq, &f.err));
}

static void see_recent_since(int64_t at_ms)
{
    int64_t after_seq;

    MUST(store_event_before(f.store, at_ms, &after_seq, &f.err));
    MUST(store_each_recent_request(f.store, after_seq, see_attempt, NULL, &f.err));
}

START_TEST(recent_requests_are_those_of_attempts_that_ended_since)
{
    begin_case(_i);
    int64_t study = add_study("s");
    int64_t worker = add_worker("a:0");
    for (int64_t number = 1; number <= 4; number++) {
        add_trial(study, number, TRIAL_RUNNING);
        end_attempt(trial_id(study, number), worker, number != 3, number * 1000);
    }
    add_trial(study, 5, TRIAL_RUNNING);
    (void)add_attempt(trial_id(study, 5), 1, worker); /* has not ended */
    see_recent_since(2000);
    expect_seen("2#1@a:0 4#1@a:0 ");
    see_recent_since(4001);
    expect_seen("");
    end_case();
}
END_TEST

/* The first event of an epoch has a number that is far beyond those before it. */
START_TEST(the_begin_of_an_epoch_makes_no_old_request_recent)
{
    const struct store_settings settings = {.directory = f.directory, .new_epoch = true};

    begin_case(DISK);
    store_group_begin(f.store);
    int64_t study = add_study("s");
    int64_t worker = add_worker("a:0");
    for (int64_t number = 1; number <= 2; number++) {
        add_trial(study, number, TRIAL_RUNNING);
        end_attempt(trial_id(study, number), worker, true, number * 1000);
    }
    commit();
    store_close(f.store);
    f.store = NULL;
    MUST(store_open(&settings, &f.store, &f.err));
    see_recent_since(2000);
    expect_seen("2#1@a:0 ");
    end_case();
}
END_TEST

void add_store_trials(Suite *suite)
{
    TCase *epochs = tcase_create("epochs");

    ADD_CASES(suite, "trials", trial_reads_back_as_inserted, as_many_values_come_back_as_went_in,
              trial_update_changes_all_but_its_birth, row_that_does_not_exist_is_not_found,
              open_trials_are_those_that_have_not_ended, page_starts_beyond_the_key,
              trial_names_the_worker_of_its_newest_attempt, attempt_reads_back_as_updated,
              attempts_of_a_trial_come_in_order_of_number,
              recent_requests_are_those_of_attempts_that_ended_since);
    tcase_add_test(epochs, the_begin_of_an_epoch_makes_no_old_request_recent);
    suite_add_tcase(suite, epochs);
}
