/* store.h, demanded of every store behind it: studies, metrics, workers. */
#include "tests/contract/store_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- callbacks that note what they were given ---- */

static int see_study(void *context, struct study_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%s ", row->name);
    return 0;
}

static int take_study(void *context, struct study_row *row, struct err *err)
{
    struct study_row *taken = context;

    (void)err;
    *taken = *row;
    row->accepted = NULL;
    row->definition = NULL;
    return 0;
}

static int see_name(void *context, int64_t id, const char *name, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 "=%s ", id, name);
    return 0;
}

static int stop_at_second(void *context, struct study_row *row, struct err *err)
{
    int *calls = context;

    (void)row;
    (void)err;
    return ++*calls == 2 ? 7 : 0;
}

/* ---- cases ---- */

START_TEST(study_reads_back_as_inserted)
{
    OWN(study_row) struct study_row read = {0};

    begin_case(_i);
    struct study_row row = script_study("digits");
    row.reason = REASON_TARGET;
    row.state = STUDY_FINISHED;
    row.counts[TRIAL_FAILED] = 3;
    MUST(store_study_insert(f.store, &row, &f.err));
    MUST(store_each_study(f.store, take_study, &read, &f.err));
    ck_assert_int_eq(read.id, row.id);
    ck_assert_str_eq(read.name, "digits");
    ck_assert_str_eq(read.accepted, row.accepted);
    ck_assert_str_eq(read.definition, row.definition);
    ck_assert_int_eq(read.state, STUDY_FINISHED);
    ck_assert_int_eq(read.reason, REASON_TARGET);
    ck_assert_int_eq(read.revision, 1);
    ck_assert_int_eq(read.created_at_ms, 1000);
    ck_assert_int_eq(read.counts[TRIAL_FAILED], 3);
    ck_assert_int_eq(read.started_at_ms, 0);
    ck_assert_int_eq(read.best_trial, 0);
    ck_assert(!read.has_value && !read.exhausted && !read.target_reached);
    end_case();
}
END_TEST

START_TEST(study_update_keeps_name_and_accepted_body)
{
    static char changed[] = "changed";

    begin_case(_i);
    for (int define = 0; define <= 1; define++) {
        OWN(study_row) struct study_row read = {0};
        struct study_row row = script_study(define ? "defined" : "as-before");
        MUST(store_study_insert(f.store, &row, &f.err));
        (void)snprintf(row.name, sizeof row.name, "renamed");
        row.accepted = changed;
        row.definition = changed;
        row.state = STUDY_PAUSED;
        row.paused_at_ms = 1700;
        row.exhausted = true;
        row.target_reached = true;
        row.last_ordinal = 11;
        row.enqueued_trials = 5;
        row.feasible_trials = 6;
        row.bounds_seen = 0x81;
        row.best_trial = 4;
        row.best_value = -2.5;
        row.best_resource = 27;
        MUST(store_study_update(f.store, &row, define, &f.err));
        MUST(store_each_study(f.store, take_study, &read, &f.err));
        ck_assert_str_eq(read.name, define ? "defined" : "as-before");
        ck_assert_str_eq(read.accepted, "{\"name\":\"s\"}");
        ck_assert_int_eq(strcmp(read.definition, "changed") == 0, define);
        ck_assert_int_eq(read.state, STUDY_PAUSED);
        ck_assert_int_eq(read.paused_at_ms, 1700);
        ck_assert(read.exhausted && read.target_reached);
        ck_assert_uint_eq(read.last_ordinal, 11);
        ck_assert_int_eq(read.enqueued_trials, 5);
        ck_assert_int_eq(read.feasible_trials, 6);
        ck_assert_int_eq(read.bounds_seen, 0x81);
        ck_assert_int_eq(read.best_trial, 4);
        ck_assert_double_eq(read.best_value, -2.5);
        ck_assert_int_eq(read.best_resource, 27);
        MUST(store_study_delete(f.store, row.id, 2000, &f.err));
    }
    end_case();
}
END_TEST

START_TEST(live_studies_come_in_order_of_id)
{
    begin_case(_i);
    int64_t first = add_study("zebra");
    (void)add_study("ape");
    (void)add_study("bear");
    MUST(store_each_study(f.store, see_study, NULL, &f.err));
    expect_seen("zebra ape bear ");
    MUST(store_study_delete(f.store, first, 2000, &f.err));
    MUST(store_each_study(f.store, see_study, NULL, &f.err));
    expect_seen("ape bear ");
    (void)add_study("zebra"); /* its name is free again */
    MUST(store_each_study(f.store, see_study, NULL, &f.err));
    expect_seen("ape bear zebra ");
    end_case();
}
END_TEST

START_TEST(walk_stops_with_what_the_callback_returns)
{
    int calls = 0;

    begin_case(_i);
    (void)add_study("a");
    (void)add_study("b");
    (void)add_study("c");
    ck_assert_int_eq(store_each_study(f.store, stop_at_second, &calls, &f.err), 7);
    ck_assert_int_eq(calls, 2);
    calls = -10; /* the walk that was left does not stand in the way of the next */
    MUST(store_each_study(f.store, stop_at_second, &calls, &f.err));
    ck_assert_int_eq(calls, -7);
    end_case();
}
END_TEST

START_TEST(metrics_belong_to_their_study)
{
    begin_case(_i);
    int64_t a = add_study("a");
    int64_t b = add_study("b");
    MUST(store_metric_insert(f.store, a, 0, "loss", &f.err));
    MUST(store_metric_insert(f.store, a, 1, "val/acc", &f.err));
    MUST(store_metric_insert(f.store, b, 0, "reward", &f.err));
    MUST(store_each_metric(f.store, a, see_name, NULL, &f.err));
    expect_seen("0=loss 1=val/acc ");
    MUST(store_each_metric(f.store, b, see_name, NULL, &f.err));
    expect_seen("0=reward ");
    end_case();
}
END_TEST

START_TEST(worker_reads_back_under_its_id)
{
    char expected[80];

    begin_case(_i);
    int64_t study = add_study("s");
    int64_t trial = trial_id(study, 1);
    int64_t b = add_worker("b:0");
    int64_t a = add_worker("a:0");
    ck_assert_int_ne(a, b);
    ck_assert_int_eq(add_worker("b:0"), b); /* it has its row already */
    add_trial(study, 1, TRIAL_COMPLETED);
    (void)add_attempt(trial, 1, b);
    (void)add_attempt(trial, 2, a);
    (void)add_attempt(trial, 3, b);
    MUST(store_each_worker(f.store, 3, see_name, NULL, &f.err));
    (void)snprintf(expected, sizeof expected, "%" PRId64 "=b:0 %" PRId64 "=a:0 ", b, a);
    expect_seen(expected);
    MUST(store_each_worker(f.store, 1, see_name, NULL, &f.err));
    (void)snprintf(expected, sizeof expected, "%" PRId64 "=b:0 ", b);
    expect_seen(expected);
    end_case();
}
END_TEST

static size_t rows_of(const char *content)
{
    size_t n = 0;

    for (const char *at = content; (at = strchr(at, '\n')) != NULL; at++) {
        n++;
    }
    return n;
}

START_TEST(purge_removes_only_what_was_deleted_before)
{
    bool more = true;

    begin_case(_i);
    write_group(0);
    OWN(memory) char *without = content_of(f.store);
    store_group_begin(f.store);
    struct study_row doomed = script_study("doomed");
    MUST(store_study_insert(f.store, &doomed, &f.err));
    int64_t worker = 1;
    for (int64_t number = 1; number <= 5; number++) {
        enum store_append result;
        add_trial(doomed.id, number, TRIAL_FAILED);
        int64_t attempt = add_attempt(trial_id(doomed.id, number), 1, worker);
        MUST(store_evidence_insert(f.store, attempt, 1, "{}", &f.err));
        MUST(store_measurement_append(
            f.store, &(const struct measurement_row){trial_id(doomed.id, number), 1, 0, 1, 1},
            &result, &f.err));
    }
    for (int64_t step = 2; step <= 12;
         step++) { /* one trial alone is more than is removed at once */
        enum store_append result;
        MUST(store_measurement_append(
            f.store, &(const struct measurement_row){trial_id(doomed.id, 1), 1, 0, step, 1},
            &result, &f.err));
    }
    MUST(store_study_delete(f.store, doomed.id, 5000, &f.err));
    commit();
    MUST(store_purge_deleted(f.store, 5000, 2, &more, &f.err)); /* deleted at, not before, 5000 */
    ck_assert(!more);
    int calls = 0;
    do {
        OWN(memory) char *before = content_of(f.store);
        store_group_begin(f.store);
        MUST(store_purge_deleted(f.store, 5001, 2, &more, &f.err));
        commit();
        OWN(memory) char *after = content_of(f.store);
        ck_assert_uint_le(rows_of(before) - rows_of(after), 2);
        calls++;
    } while (more && calls < 40);
    ck_assert_int_ge(calls, 17); /* 32 rows, two at a time, and a last call that finds nothing */
    ck_assert_int_lt(calls, 40);
    for (int64_t number = 1; number <= 5; number++) {
        struct trial_row row;
        MUST_FAIL(store_trial_load(f.store, trial_id(doomed.id, number), &row, &f.err),
                  ERR_NOT_FOUND);
        MUST(store_each_attempt(f.store, trial_id(doomed.id, number), see_attempt, NULL, &f.err));
        MUST(store_each_measurement(f.store, trial_id(doomed.id, number), -1, see_measurement, NULL,
                                    &f.err));
    }
    expect_seen("");
    expect_content(f.store, without);
    end_case();
}
END_TEST

static int64_t add_event(int64_t study, int64_t at_ms)
{
    const struct event_row event = {.study = study, .kind = EVENT_STUDY_CHANGED, .at_ms = at_ms};
    int64_t seq;

    MUST(store_event_append(f.store, &event, &seq, &f.err));
    return seq;
}

static int see_seq(void *context, const struct event_row *event, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 " ", event->seq);
    return 0;
}

static void expect_events(int64_t study, const char *numbers, int64_t purged)
{
    int64_t looked_at, found;

    MUST(store_each_event(f.store, study, 0, 100, see_seq, NULL, &looked_at, &f.err));
    expect_seen(numbers);
    MUST(store_events_purged(f.store, &found, &f.err));
    ck_assert_int_eq(found, purged);
}

static void purge_old_events(int64_t before_ms)
{
    int64_t after = 0;

    store_group_begin(f.store);
    do {
        MUST(store_event_purge(f.store, before_ms, &after, 2, &f.err));
    } while (after != 0);
}

START_TEST(events_go_with_their_study_or_with_age_and_no_number_comes_twice)
{
    bool more = true;

    begin_case(_i);
    store_group_begin(f.store);
    struct study_row kept = script_study("kept");
    struct study_row doomed = script_study("doomed");
    MUST(store_study_insert(f.store, &kept, &f.err));
    MUST(store_study_insert(f.store, &doomed, &f.err));
    const struct {
        int64_t study, at_ms;
    } events[] = {{0, 10},  {kept.id, 10}, {doomed.id, 10},   {0, 10},
                  {99, 10}, {0, 2000},     {doomed.id, 3000}, {0, 10}};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        ck_assert_int_eq(add_event(events[i].study, events[i].at_ms), (int64_t)i + 1);
    }
    MUST(store_study_delete(f.store, doomed.id, 5000, &f.err));
    commit();
    purge_old_events(1000);
    store_group_rollback(f.store);
    expect_events(0, "1 2 3 4 5 6 7 8 ", 0);
    purge_old_events(1000);
    commit();
    expect_events(0, "2 3 6 7 8 ", 5);
    purge_old_events(10); /* nothing is that old, and nothing is written */
    ck_assert(!store_group_is_dirty(f.store));
    commit();
    store_group_begin(f.store);
    for (int calls = 0; calls < 3; calls++) {
        MUST(store_purge_deleted(f.store, 5001, 2, &more, &f.err));
    }
    ck_assert(store_group_is_dirty(f.store));
    store_group_rollback(f.store); /* what was undone is looked at again */
    for (int calls = 0; more; calls++) {
        ck_assert_int_lt(calls, 40);
        store_group_begin(f.store);
        MUST(store_purge_deleted(f.store, 5001, 2, &more, &f.err));
        commit();
    }
    expect_events(0, "2 6 8 ", 7);
    store_group_begin(f.store);
    struct study_row next = script_study("next");
    MUST(store_study_insert(f.store, &next, &f.err));
    ck_assert_int_eq(next.id, doomed.id + 1); /* the number of the one that is gone stays its own */
    commit();
    expect_events(next.id, "", 7);
    store_group_begin(f.store);
    purge_old_events(INT64_MAX);
    ck_assert_int_eq(add_event(0, 1), 9); /* the newest stayed */
    commit();
    expect_events(0, "2 8 9 ", 7);
    end_case();
}
END_TEST

void add_store_studies(Suite *suite)
{
    ADD_CASES(suite, "studies", study_reads_back_as_inserted,
              study_update_keeps_name_and_accepted_body, live_studies_come_in_order_of_id,
              walk_stops_with_what_the_callback_returns, metrics_belong_to_their_study,
              worker_reads_back_under_its_id, purge_removes_only_what_was_deleted_before,
              events_go_with_their_study_or_with_age_and_no_number_comes_twice);
}
