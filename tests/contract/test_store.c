/* What store.h promises, demanded of every store behind it. */
#include "server/store/store.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/directory.h"
#include "tests/support/store_script.h"

static const struct {
    const char *name;
    bool is_on_disk; /* survives a close; readers read beside an open group */
} stores[] = {{"on disk", true}, {"in memory", false}};

#define TEXT_MAX (1 << 20)
#define MUST(step) ck_assert_msg((step) == 0, "%s: %s", stores[f.kind].name, f.err.text)
#define MUST_FAIL(step, expected)                                                                  \
    do {                                                                                           \
        ck_assert_int_eq((step), -1);                                                              \
        ck_assert_int_eq(f.err.code, (expected));                                                  \
    } while (0)

static struct {
    int kind; /* index into stores */
    char directory[DIRECTORY_BYTES];
    struct store *store;
    struct err err;
    struct buf seen; /* what the callbacks below were given */
} f;

static void open_store(void)
{
    const struct store_settings settings = {.directory =
                                                stores[f.kind].is_on_disk ? f.directory : NULL};

    MUST(store_open(&settings, &f.store, &f.err));
}

static void reopen(void)
{
    store_close(f.store);
    f.store = NULL;
    open_store();
}

static void begin(int kind)
{
    f.kind = kind;
    f.err = (struct err){0};
    directory_create(f.directory);
    buf_init(&f.seen, TEXT_MAX);
    open_store();
}

static void end(void)
{
    store_close(f.store);
    directory_remove(f.directory);
    buf_finish(&f.seen);
}

static struct store *open_reader(void)
{
    struct store *reader = NULL;

    MUST(store_open_reader(f.store, &reader, &f.err));
    return reader;
}

static void commit(void)
{
    MUST(store_group_commit(f.store, &f.err));
}

/* One write of any kind. */
static void write_mark(int mark)
{
    MUST(script_write(f.store, mark, &f.err));
}

static void write_group(int mark)
{
    store_group_begin(f.store);
    write_mark(mark);
    commit();
}

/* The whole content as text; free() it. */
static char *content_of(struct store *store)
{
    struct buf text;

    buf_init(&text, TEXT_MAX);
    MUST(script_read(store, &text, &f.err));
    ck_assert(!text.failed);
    char *content = buf_steal(&text);
    return content == NULL ? strdup("") : content;
}

static void expect_content(struct store *store, const char *expected)
{
    OWN(memory) char *content = content_of(store);

    ck_assert_str_eq(content, expected);
}

static void expect_seen(const char *expected)
{
    ck_assert_str_eq(buf_text(&f.seen), expected);
    buf_clear(&f.seen);
}

static int64_t add_study(const char *name)
{
    struct study_row row = script_study(name);

    row.id = 0;
    MUST(store_study_insert(f.store, &row, &f.err));
    ck_assert_int_gt(row.id, 0);
    return row.id;
}

static void add_trial(int64_t study, int64_t number, enum trial_state state)
{
    struct trial_row row = script_trial(study, number, state);

    MUST(store_trial_insert(f.store, &row, &f.err));
}

static int64_t add_worker(const char *name)
{
    int64_t id = 0;

    MUST(store_worker_insert(f.store, name, &id, &f.err));
    ck_assert_int_gt(id, 0);
    return id;
}

static int64_t add_attempt(int64_t trial, int64_t number, int64_t worker)
{
    struct attempt_row row = script_attempt(trial, number, worker);

    MUST(store_attempt_insert(f.store, &row, &f.err));
    ck_assert_int_gt(row.id, 0);
    return row.id;
}

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

static int see_attempt(void *context, struct attempt_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 "#%" PRId64 "@%s ", trial_id_number(row->trial), row->number,
               row->worker_name);
    return 0;
}

static int see_measurement(void *context, int64_t metric, int64_t attempt, int64_t step,
                           double value, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 ":%" PRId64 ":%" PRId64 "=%g ", metric, step, attempt, value);
    return 0;
}

static int see_event(void *context, const struct event_row *event, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 ":%" PRId64 ":%s:%" PRId64 ":%" PRId64 ":%" PRId64 " ",
               event->seq, event->study, event_kind_name(event->kind), event->trial, event->attempt,
               event->at_ms);
    return 0;
}

static int see_fact(void *context, const struct fact_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 ":%" PRId64 "=%g ", row->study, row->fact, row->value);
    return 0;
}

static int see_discard(void *context, const struct discard_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%s%s@%" PRId64 " ", row->host, row->uri, row->attempt);
    return 0;
}

static int see_node(void *context, const struct node_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%s:%d,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s", row->name,
               row->draining, row->quarantined_at_ms, row->others_at_ms, row->probe_at_ms,
               row->probes, row->reason);
    for (size_t i = 0; i < row->n_failed; i++) {
        buf_printf(&f.seen, ",%" PRId64 "=%" PRId64, row->failed[i].trial,
                   row->failed[i].elsewhere);
    }
    buf_putc(&f.seen, ' ');
    return 0;
}

static int see_fit(void *context, uint64_t n_seen, const void *data, size_t bytes, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRIu64 ":", n_seen);
    buf_append(&f.seen, data, bytes);
    buf_putc(&f.seen, ' ');
    return 0;
}

static int see_transfer(void *context, const struct transfer_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 ":%" PRId64 ":%zu=%g ", row->place, row->number, row->n_params,
               row->n_params > 0 ? row->config[0] : 0);
    return 0;
}

static int see_token(void *context, const struct token_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%s:%" PRId64 ":%" PRId64 " ", row->id, row->expires_at_ms,
               row->revoked_at_ms);
    return 0;
}

static int stop_at_second(void *context, struct study_row *row, struct err *err)
{
    int *calls = context;

    (void)row;
    (void)err;
    return ++*calls == 2 ? 7 : 0;
}

/* ---- studies, metrics, workers ---- */

START_TEST(study_reads_back_as_inserted)
{
    OWN(study_row) struct study_row read = {0};

    begin(_i);
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
    end();
}
END_TEST

START_TEST(study_update_keeps_name_and_accepted_body)
{
    static char changed[] = "changed";

    begin(_i);
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
        ck_assert_int_eq(read.best_trial, 4);
        ck_assert_double_eq(read.best_value, -2.5);
        ck_assert_int_eq(read.best_resource, 27);
        MUST(store_study_delete(f.store, row.id, 2000, &f.err));
    }
    end();
}
END_TEST

START_TEST(live_studies_come_in_order_of_id)
{
    begin(_i);
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
    end();
}
END_TEST

START_TEST(walk_stops_with_what_the_callback_returns)
{
    int calls = 0;

    begin(_i);
    (void)add_study("a");
    (void)add_study("b");
    (void)add_study("c");
    ck_assert_int_eq(store_each_study(f.store, stop_at_second, &calls, &f.err), 7);
    ck_assert_int_eq(calls, 2);
    calls = -10; /* the walk that was left does not stand in the way of the next */
    MUST(store_each_study(f.store, stop_at_second, &calls, &f.err));
    ck_assert_int_eq(calls, -7);
    end();
}
END_TEST

START_TEST(metrics_belong_to_their_study)
{
    begin(_i);
    int64_t a = add_study("a");
    int64_t b = add_study("b");
    MUST(store_metric_insert(f.store, a, 0, "loss", &f.err));
    MUST(store_metric_insert(f.store, a, 1, "val/acc", &f.err));
    MUST(store_metric_insert(f.store, b, 0, "reward", &f.err));
    MUST(store_each_metric(f.store, a, see_name, NULL, &f.err));
    expect_seen("0=loss 1=val/acc ");
    MUST(store_each_metric(f.store, b, see_name, NULL, &f.err));
    expect_seen("0=reward ");
    end();
}
END_TEST

START_TEST(worker_reads_back_under_its_id)
{
    char expected[80];

    begin(_i);
    int64_t b = add_worker("b:0");
    int64_t a = add_worker("a:0");
    MUST(store_each_worker(f.store, see_name, NULL, &f.err));
    (void)snprintf(expected, sizeof expected, "%" PRId64 "=b:0 %" PRId64 "=a:0 ", b, a);
    expect_seen(expected);
    end();
}
END_TEST

START_TEST(purge_removes_only_what_was_deleted_before)
{
    bool more = true;

    begin(_i);
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
    MUST(store_study_delete(f.store, doomed.id, 5000, &f.err));
    commit();
    MUST(store_purge_deleted(f.store, 5000, 2, &more, &f.err)); /* deleted at, not before, 5000 */
    ck_assert(!more);
    int calls = 0;
    do {
        store_group_begin(f.store);
        MUST(store_purge_deleted(f.store, 5001, 2, &more, &f.err));
        commit();
        calls++;
    } while (more && calls < 20);
    ck_assert_int_ge(calls, 4); /* five trials, two at a time, and a last call that finds nothing */
    ck_assert_int_lt(calls, 20);
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
    end();
}
END_TEST

/* ---- trials and attempts ---- */

START_TEST(trial_reads_back_as_inserted)
{
    OWN(trial_row) struct trial_row read = {0};

    begin(_i);
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
    end();
}
END_TEST

/* None, one (in the column that trials are sorted by), or one an objective. */
START_TEST(as_many_values_come_back_as_went_in)
{
    begin(_i);
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
    end();
}
END_TEST

START_TEST(trial_update_changes_all_but_its_birth)
{
    static char metrics[] = "{\"loss\":1}";
    OWN(trial_row) struct trial_row read = {0};

    begin(_i);
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
    end();
}
END_TEST

START_TEST(row_that_does_not_exist_is_not_found)
{
    struct trial_row trial = {.id = 5};
    struct attempt_row attempt = {.id = 6};

    begin(_i);
    MUST_FAIL(store_trial_load(f.store, trial_id(1, 1), &trial, &f.err), ERR_NOT_FOUND);
    MUST_FAIL(store_attempt_load(f.store, 1, &attempt, &f.err), ERR_NOT_FOUND);
    ck_assert_int_eq(trial.id, 5); /* outputs are written only on success */
    ck_assert_int_eq(attempt.id, 6);
    end();
}
END_TEST

START_TEST(open_trials_are_those_that_have_not_ended)
{
    begin(_i);
    int64_t a = add_study("a");
    int64_t b = add_study("b");
    for (int state = 0; state < TRIAL_STATE_COUNT; state++) {
        add_trial(a, state + 1, (enum trial_state)state);
    }
    add_trial(b, 1, TRIAL_RUNNING);
    MUST(store_each_open_trial(f.store, see_trial, NULL, &f.err));
    expect_seen("1/1 1/2 1/3 2/1 ");
    end();
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
    begin(_i);
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
    end();
}
END_TEST

START_TEST(trial_names_the_worker_of_its_newest_attempt)
{
    begin(_i);
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
    end();
}
END_TEST

START_TEST(attempt_reads_back_as_updated)
{
    static char detail[] = "killed";
    OWN(attempt_row) struct attempt_row read = {0};
    OWN(attempt_row) struct attempt_row again = {0};

    begin(_i);
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
    end();
}
END_TEST

START_TEST(attempts_of_a_trial_come_in_order_of_number)
{
    begin(_i);
    int64_t study = add_study("s");
    int64_t worker = add_worker("a:0");
    add_trial(study, 1, TRIAL_RUNNING);
    add_trial(study, 2, TRIAL_RUNNING);
    (void)add_attempt(trial_id(study, 1), 2, worker);
    (void)add_attempt(trial_id(study, 2), 1, worker);
    (void)add_attempt(trial_id(study, 1), 1, worker);
    MUST(store_each_attempt(f.store, trial_id(study, 1), see_attempt, NULL, &f.err));
    expect_seen("1#1@a:0 1#2@a:0 ");
    end();
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

START_TEST(recent_requests_are_those_of_attempts_that_ended_since)
{
    begin(_i);
    int64_t study = add_study("s");
    int64_t worker = add_worker("a:0");
    for (int64_t number = 1; number <= 4; number++) {
        add_trial(study, number, TRIAL_RUNNING);
        end_attempt(trial_id(study, number), worker, number != 3, number * 1000);
    }
    add_trial(study, 5, TRIAL_RUNNING);
    (void)add_attempt(trial_id(study, 5), 1, worker); /* has not ended */
    MUST(store_each_recent_request(f.store, 2000, see_attempt, NULL, &f.err));
    expect_seen("2#1@a:0 4#1@a:0 ");
    MUST(store_each_recent_request(f.store, 4001, see_attempt, NULL, &f.err));
    expect_seen("");
    end();
}
END_TEST

/* ---- what only grows ---- */

START_TEST(first_value_of_a_measurement_wins)
{
    enum store_append result;

    begin(_i);
    MUST(store_measurement_append(f.store, &(const struct measurement_row){1, 1, 0, 5, 0.5},
                                  &result, &f.err));
    ck_assert_int_eq(result, APPEND_NEW);
    MUST(store_measurement_append(f.store, &(const struct measurement_row){1, 1, 0, 5, 0.5},
                                  &result, &f.err));
    ck_assert_int_eq(result, APPEND_DUPLICATE);
    MUST(store_measurement_append(f.store, &(const struct measurement_row){1, 1, 0, 5, 0.25},
                                  &result, &f.err));
    ck_assert_int_eq(result, APPEND_CONFLICT);
    MUST(store_measurement_append(f.store, &(const struct measurement_row){1, 1, 0, 5, (double)NAN},
                                  &result, &f.err));
    ck_assert_int_eq(result, APPEND_CONFLICT);
    MUST(store_measurement_append(f.store, &(const struct measurement_row){1, 1, 0, 6, (double)NAN},
                                  &result, &f.err));
    ck_assert_int_eq(result, APPEND_NEW);
    MUST(store_measurement_append(f.store, &(const struct measurement_row){1, 1, 0, 6, (double)NAN},
                                  &result, &f.err));
    ck_assert_int_eq(result, APPEND_DUPLICATE);
    MUST(store_measurement_append(
        f.store, &(const struct measurement_row){1, 1, 0, 7, (double)-INFINITY}, &result, &f.err));
    MUST(store_each_measurement(f.store, 1, -1, see_measurement, NULL, &f.err));
    expect_seen("0:5:1=0.5 0:6:1=nan 0:7:1=-inf ");
    end();
}
END_TEST

START_TEST(measurement_is_replaced_alone)
{
    enum store_append result;
    bool found;

    begin(_i);
    for (int64_t step = 1; step <= 3; step++) {
        MUST(store_measurement_append(f.store, &(const struct measurement_row){1, 1, 0, step, 0.5},
                                      &result, &f.err));
    }
    MUST(store_measurement_append(f.store, &(const struct measurement_row){1, 2, 0, 2, 0.5},
                                  &result, &f.err));
    MUST(store_measurement_append(f.store, &(const struct measurement_row){1, 1, 1, 2, 0.5},
                                  &result, &f.err));
    MUST(store_measurement_replace(f.store, &(const struct measurement_row){1, 1, 0, 2, 0.25},
                                   &f.err));
    MUST(store_measurement_replace(
        f.store, &(const struct measurement_row){1, 1, 0, 3, (double)NAN}, &f.err));
    MUST(store_measurement_replace(f.store, &(const struct measurement_row){1, 1, 0, 4, 1},
                                   &f.err)); /* none is there */
    MUST(store_each_measurement(f.store, 1, -1, see_measurement, NULL, &f.err));
    expect_seen("0:1:1=0.5 0:2:1=0.25 0:2:2=0.5 0:3:1=nan 1:2:1=0.5 ");
    MUST(store_measurement_append(f.store, &(const struct measurement_row){1, 1, 0, 2, 0.25},
                                  &result, &f.err));
    ck_assert_int_eq(result, APPEND_DUPLICATE);
    MUST(store_measurement_exists(f.store, &(const struct measurement_row){1, 2, 0, 2, 0}, &found,
                                  &f.err));
    ck_assert(found);
    MUST(store_measurement_exists(f.store, &(const struct measurement_row){1, 2, 0, 3, 0}, &found,
                                  &f.err));
    ck_assert(!found);
    end();
}
END_TEST

START_TEST(measurements_come_in_order_of_metric_step_attempt)
{
    enum store_append result;

    begin(_i);
    static const int64_t rows[][3] = {/* attempt, metric, step */
                                      {2, 0, 1},
                                      {1, 1, 1},
                                      {1, 0, 2},
                                      {1, 0, 1},
                                      {2, 0, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        MUST(store_measurement_append(
            f.store,
            &(const struct measurement_row){8, rows[i][0], rows[i][1], rows[i][2], (double)i},
            &result, &f.err));
        ck_assert_int_eq(result, APPEND_NEW);
    }
    MUST(store_measurement_append(f.store, &(const struct measurement_row){9, 1, 0, 1, 5}, &result,
                                  &f.err)); /* of another trial */
    MUST(store_each_measurement(f.store, 8, -1, see_measurement, NULL, &f.err));
    expect_seen("0:1:1=3 0:1:2=0 0:2:1=2 0:2:2=4 1:1:1=1 ");
    MUST(store_each_measurement(f.store, 8, 1, see_measurement, NULL, &f.err));
    expect_seen("1:1:1=1 ");
    end();
}
END_TEST

static int64_t add_event(int64_t study, enum event_kind kind, int64_t trial)
{
    const struct event_row event = {
        .study = study, .kind = kind, .trial = trial, .attempt = trial, .at_ms = 40};
    int64_t seq = 0;

    MUST(store_event_append(f.store, &event, &seq, &f.err));
    return seq;
}

START_TEST(events_are_numbered_in_order)
{
    int64_t seq = -1;
    int64_t looked_at = -1;

    begin(_i);
    MUST(store_last_seq(f.store, &seq, &f.err));
    ck_assert_int_eq(seq, 0);
    ck_assert_int_eq(add_event(0, EVENT_TOKEN_CHANGED, 0), 1);
    ck_assert_int_eq(add_event(3, EVENT_TRIAL_QUEUED, 6), 2);
    ck_assert_int_eq(add_event(4, EVENT_STUDY_CREATED, 0), 3);
    ck_assert_int_eq(add_event(3, EVENT_TRIAL_ENDED, 6), 4);
    MUST(store_last_seq(f.store, &seq, &f.err));
    ck_assert_int_eq(seq, 4);
    MUST(store_each_event(f.store, 0, 0, 2, see_event, NULL, &looked_at, &f.err));
    expect_seen("1:0:token-changed:0:0:40 2:3:trial-queued:6:6:40 ");
    ck_assert_int_eq(looked_at, 2);
    /* the limit counts what is looked at, of this study or not */
    MUST(store_each_event(f.store, 3, 2, 1, see_event, NULL, &looked_at, &f.err));
    expect_seen("");
    ck_assert_int_eq(looked_at, 3);
    MUST(store_each_event(f.store, 3, 0, 9, see_event, NULL, &looked_at, &f.err));
    expect_seen("2:3:trial-queued:6:6:40 4:3:trial-ended:6:6:40 ");
    ck_assert_int_eq(looked_at, 4);
    MUST(store_each_event(f.store, 0, 4, 9, see_event, NULL, &looked_at, &f.err));
    expect_seen("");
    ck_assert_int_eq(looked_at, 4);
    end();
}
END_TEST

START_TEST(number_of_an_undone_event_is_given_again)
{
    int64_t seq = -1;

    begin(_i);
    ck_assert_int_eq(add_event(1, EVENT_TRIAL_QUEUED, 1), 1);
    store_group_begin(f.store);
    ck_assert_int_eq(add_event(1, EVENT_TRIAL_QUEUED, 2), 2);
    store_group_rollback(f.store);
    MUST(store_last_seq(f.store, &seq, &f.err));
    ck_assert_int_eq(seq, 1);
    ck_assert_int_eq(add_event(1, EVENT_TRIAL_QUEUED, 3), 2); /* no gap for those who follow */
    end();
}
END_TEST

START_TEST(facts_come_in_order_of_happening)
{
    begin(_i);
    const struct fact_row facts[] = {{.study = 2, .fact = 5, .value = 0.5, .at_ms = 9},
                                     {.study = 1, .fact = 4, .value = (double)NAN, .at_ms = 8},
                                     {.study = 2, .fact = 0, .value = (double)INFINITY, .at_ms = 1},
                                     {.study = 2, .fact = 5, .value = 0.5, .at_ms = 9}};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        MUST(store_fact_append(f.store, &facts[i], &f.err));
    }
    MUST(store_each_fact(f.store, 2, see_fact, NULL, &f.err));
    expect_seen("2:5=0.5 2:0=inf 2:5=0.5 ");
    MUST(store_each_fact(f.store, 1, see_fact, NULL, &f.err));
    expect_seen("1:4=nan ");
    end();
}
END_TEST

START_TEST(fits_come_oldest_first)
{
    begin(_i);
    MUST(store_fit_insert(f.store, 1, 30, "later", 5, &f.err));
    MUST(store_fit_insert(f.store, 1, 10, "b\0c", 3, &f.err));
    MUST(store_fit_insert(f.store, 2, 5, "other", 5, &f.err));
    MUST(store_each_fit(f.store, 1, see_fit, NULL, &f.err));
    ck_assert_uint_eq(f.seen.len, strlen("30:later ") + strlen("10:b?c "));
    ck_assert_mem_eq(f.seen.data, "30:later 10:b\0c ", f.seen.len);
    end();
}
END_TEST

START_TEST(transfers_come_in_order_of_place_and_number)
{
    static const double config[] = {0.5, 2};

    begin(_i);
    int64_t study = add_study("s");
    static const int64_t rows[][2] = {{1, 1}, {0, 7}, {0, 3}}; /* place, number */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct transfer_row row = {.study = study,
                                         .place = rows[i][0],
                                         .number = rows[i][1],
                                         .state = TRIAL_COMPLETED,
                                         .n_params = 2,
                                         .config = config};
        MUST(store_transfer_insert(f.store, &row, &f.err));
    }
    MUST(store_each_transfer(f.store, study, see_transfer, NULL, &f.err));
    expect_seen("0:3:2=0.5 0:7:2=0.5 1:1:2=0.5 ");
    end();
}
END_TEST

START_TEST(discards_come_oldest_first_until_deleted)
{
    struct discard_row a = {.study = 1, .host = "h:", .uri = "x", .attempt = 9, .at_ms = 50};
    struct discard_row b = {.study = 1, .host = "", .uri = "y", .at_ms = 40};

    begin(_i);
    MUST(store_discard_insert(f.store, &a, &f.err));
    MUST(store_discard_insert(f.store, &b, &f.err));
    ck_assert_int_gt(a.id, 0);
    ck_assert_int_ne(a.id, b.id);
    MUST(store_each_discard(f.store, see_discard, NULL, &f.err));
    expect_seen("h:x@0 y@0 ");
    MUST(store_discard_assign(f.store, a.id, 12, &f.err));
    MUST(store_each_discard(f.store, see_discard, NULL, &f.err));
    expect_seen("h:x@12 y@0 ");
    MUST(store_discard_assign(f.store, a.id, 0, &f.err));
    MUST(store_each_discard(f.store, see_discard, NULL, &f.err));
    expect_seen("h:x@0 y@0 ");
    MUST(store_discard_delete(f.store, a.id, &f.err));
    MUST(store_each_discard(f.store, see_discard, NULL, &f.err));
    expect_seen("y@0 ");
    end();
}
END_TEST

START_TEST(nodes_are_replaced_by_name_until_deleted)
{
    struct node_row b = {.name = "b",
                         .n_failed = 2,
                         .failed = {{7, 1}, {8, 0}},
                         .quarantined_at_ms = 10,
                         .others_at_ms = 11,
                         .probe_at_ms = 12,
                         .probes = 3,
                         .reason = "why"};
    const struct node_row a = {.name = "a", .draining = true};

    begin(_i);
    MUST(store_node_save(f.store, &b, &f.err));
    MUST(store_node_save(f.store, &a, &f.err));
    MUST(store_each_node(f.store, see_node, NULL, &f.err));
    expect_seen("a:1,0,0,0,0, b:0,10,11,12,3,why,7=1,8=0 ");
    b.n_failed = 1;
    b.probes = 4;
    MUST(store_node_save(f.store, &b, &f.err));
    MUST(store_node_delete(f.store, "a", &f.err));
    MUST(store_node_delete(f.store, "c", &f.err));
    MUST(store_each_node(f.store, see_node, NULL, &f.err));
    expect_seen("b:0,10,11,12,4,why,7=1 ");
    end();
}
END_TEST

START_TEST(replies_are_kept_until_purged)
{
    static char text[] = "{\"id\":1}";
    struct reply_row row = {.status = 201, .text = text, .at_ms = 1000};
    struct reply_row found_row = {0};
    bool found = true;

    begin(_i);
    MUST(store_reply_find(f.store, row.key, &found_row, &found, &f.err));
    ck_assert(!found);
    row.body[3] = 7;
    MUST(store_reply_insert(f.store, &row, &f.err));
    MUST(store_reply_purge(f.store, 1000, &f.err)); /* before, not at */
    MUST(store_reply_find(f.store, row.key, &found_row, &found, &f.err));
    ck_assert(found);
    ck_assert_int_eq(found_row.status, 201);
    ck_assert_str_eq(found_row.text, text);
    ck_assert_mem_eq(found_row.key, row.key, sizeof row.key);
    ck_assert_mem_eq(found_row.body, row.body, sizeof row.body);
    ck_assert_int_eq(found_row.at_ms, 1000);
    free(found_row.text);
    MUST(store_reply_purge(f.store, 1001, &f.err));
    MUST(store_reply_find(f.store, row.key, &found_row, &found, &f.err));
    ck_assert(!found);
    end();
}
END_TEST

START_TEST(token_is_revoked_once)
{
    begin(_i);
    struct token_row a = script_token("t_a", 20);
    struct token_row b = script_token("t_b", 10);
    a.expires_at_ms = 99;
    MUST(store_token_insert(f.store, &a, &f.err));
    MUST(store_token_insert(f.store, &b, &f.err));
    MUST(store_each_token(f.store, see_token, NULL, &f.err));
    expect_seen("t_b:0:0 t_a:99:0 ");
    MUST(store_token_revoke(f.store, "t_b", 30, &f.err));
    MUST(store_token_revoke(f.store, "t_b", 40, &f.err)); /* the first moment stays */
    MUST(store_each_token(f.store, see_token, NULL, &f.err));
    expect_seen("t_b:0:30 t_a:99:0 ");
    MUST_FAIL(store_token_revoke(f.store, "t_c", 30, &f.err), ERR_NOT_FOUND);
    end();
}
END_TEST

/* ---- groups ---- */

START_TEST(group_without_writes_is_not_dirty)
{
    begin(_i);
    OWN(memory) char *before = content_of(f.store);
    store_group_begin(f.store);
    ck_assert(!store_group_is_dirty(f.store));
    MUST(store_savepoint(f.store, &f.err));
    MUST(store_undo(f.store, &f.err));
    MUST(store_savepoint(f.store, &f.err));
    MUST(store_release(f.store, &f.err));
    ck_assert(!store_group_is_dirty(f.store));
    (void)add_worker("a:0");
    ck_assert(store_group_is_dirty(f.store));
    store_group_rollback(f.store);
    store_group_begin(f.store);
    ck_assert(!store_group_is_dirty(f.store));
    commit();
    expect_content(f.store, before);
    end();
}
END_TEST

START_TEST(undone_command_leaves_nothing)
{
    begin(_i);
    write_group(0);
    OWN(memory) char *one = content_of(f.store);
    store_group_begin(f.store);
    MUST(store_savepoint(f.store, &f.err));
    write_mark(1);
    MUST(store_undo(f.store, &f.err));
    expect_content(f.store, one);
    commit();
    expect_content(f.store, one);
    end();
}
END_TEST

START_TEST(undone_command_costs_the_others_nothing)
{
    begin(_i);
    write_group(0);
    write_group(1);
    OWN(memory) char *expected = content_of(f.store);
    end();
    begin(_i);
    store_group_begin(f.store);
    MUST(store_savepoint(f.store, &f.err));
    write_mark(0);
    MUST(store_release(f.store, &f.err));
    MUST(store_savepoint(f.store, &f.err));
    write_mark(2);
    MUST(store_undo(f.store, &f.err));
    MUST(store_savepoint(f.store, &f.err)); /* writes nothing */
    MUST(store_release(f.store, &f.err));
    MUST(store_savepoint(f.store, &f.err));
    write_mark(1);
    MUST(store_release(f.store, &f.err));
    commit();
    expect_content(f.store, expected);
    end();
}
END_TEST

START_TEST(rolled_back_group_leaves_nothing)
{
    begin(_i);
    write_group(0);
    OWN(memory) char *one = content_of(f.store);
    store_group_begin(f.store);
    MUST(store_savepoint(f.store, &f.err));
    write_mark(1);
    MUST(store_release(f.store, &f.err));
    write_mark(2);
    store_group_rollback(f.store);
    expect_content(f.store, one);
    write_group(1); /* and the next group is none the worse for it */
    end();
}
END_TEST

START_TEST(group_is_rolled_back_in_the_middle_of_a_command)
{
    begin(_i);
    OWN(memory) char *empty = content_of(f.store);
    store_group_begin(f.store);
    MUST(store_savepoint(f.store, &f.err));
    write_mark(1);
    store_group_rollback(f.store);
    expect_content(f.store, empty);
    store_group_begin(f.store);
    MUST(store_savepoint(f.store, &f.err));
    write_mark(1);
    MUST(store_release(f.store, &f.err));
    commit();
    OWN(memory) char *full = content_of(f.store);
    ck_assert_str_ne(full, empty);
    end();
}
END_TEST

START_TEST(reader_sees_only_what_was_committed)
{
    begin(_i);
    OWN(memory) char *empty = content_of(f.store);
    struct store *reader = open_reader();
    expect_content(reader, empty);
    store_group_begin(f.store);
    write_mark(0);
    if (stores[f.kind].is_on_disk) {
        expect_content(reader, empty); /* the one in memory makes a reader wait */
    }
    commit();
    OWN(memory) char *one = content_of(f.store);
    expect_content(reader, one);
    store_group_begin(f.store);
    write_mark(1);
    store_group_rollback(f.store);
    expect_content(reader, one);
    store_close(reader);
    end();
}
END_TEST

START_TEST(read_transaction_sees_one_moment)
{
    begin(_i);
    write_group(0);
    OWN(memory) char *one = content_of(f.store);
    struct store *reader = open_reader();
    MUST(store_read_begin(reader, &f.err));
    expect_content(reader, one);
    if (stores[f.kind].is_on_disk) {
        write_group(1); /* the one in memory makes a commit wait */
        store_checkpoint(f.store, false);
    }
    expect_content(reader, one);
    store_read_end(reader);
    if (!stores[f.kind].is_on_disk) {
        write_group(1);
    }
    OWN(memory) char *two = content_of(f.store);
    ck_assert_str_ne(one, two);
    expect_content(reader, two);
    store_close(reader);
    end();
}
END_TEST

START_TEST(reader_cannot_write)
{
    int64_t id;

    begin(_i);
    struct store *reader = open_reader();
    MUST_FAIL(store_worker_insert(reader, "a:0", &id, &f.err), ERR_IO);
    store_close(reader);
    end();
}
END_TEST

/* ---- opening, closing, files ---- */

START_TEST(content_outlives_the_connection_on_disk_only)
{
    begin(_i);
    OWN(memory) char *empty = content_of(f.store);
    write_group(0);
    store_group_begin(f.store);
    write_mark(1); /* not committed */
    store_group_rollback(f.store);
    OWN(memory) char *one = content_of(f.store);
    reopen();
    expect_content(f.store, stores[f.kind].is_on_disk ? one : empty);
    end();
}
END_TEST

START_TEST(close_in_a_group_is_a_rollback)
{
    begin(_i);
    OWN(memory) char *empty = content_of(f.store);
    store_group_begin(f.store);
    write_mark(0);
    reopen();
    expect_content(f.store, empty);
    end();
}
END_TEST

START_TEST(checkpoint_changes_no_content)
{
    begin(_i);
    write_group(0);
    OWN(memory) char *one = content_of(f.store);
    store_checkpoint(f.store, false);
    store_checkpoint(f.store, true);
    expect_content(f.store, one);
    reopen();
    if (stores[f.kind].is_on_disk) {
        expect_content(f.store, one);
    }
    end();
}
END_TEST

START_TEST(clean_mark_holds_for_one_start)
{
    begin(_i);
    ck_assert(!store_was_clean(f.store));
    MUST(store_mark_clean(f.store, &f.err));
    ck_assert(!store_was_clean(f.store)); /* it is about the last run */
    reopen();
    ck_assert_int_eq(store_was_clean(f.store), stores[f.kind].is_on_disk);
    reopen();
    ck_assert(!store_was_clean(f.store));
    end();
}
END_TEST

START_TEST(two_stores_do_not_meet)
{
    struct store *other = NULL;
    char directory[DIRECTORY_BYTES];

    begin(_i);
    OWN(memory) char *empty = content_of(f.store);
    directory_create(directory);
    const struct store_settings settings = {.directory =
                                                stores[f.kind].is_on_disk ? directory : NULL};
    MUST(store_open(&settings, &other, &f.err));
    write_group(0);
    expect_content(other, empty);
    store_close(other);
    directory_remove(directory);
    end();
}
END_TEST

START_TEST(sound_database_passes_the_check)
{
    begin(_i);
    write_group(0);
    struct store *reader = open_reader();
    MUST(store_quick_check(reader, &f.err));
    store_close(reader);
    end();
}
END_TEST

#define DISK 0

/* The database file of the fixture, opened for damage; the store is closed. */
static int open_file(void)
{
    char path[DIRECTORY_BYTES + 16];

    store_checkpoint(f.store, true);
    store_close(f.store);
    f.store = NULL;
    (void)snprintf(path, sizeof path, "%s/hone.db", f.directory);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void overwrite(int fd, off_t at, const void *bytes, size_t len)
{
    ck_assert_int_eq(pwrite(fd, bytes, len, at), (ssize_t)len);
}

static void expect_refused(const char *words)
{
    const struct store_settings settings = {.directory = f.directory};

    MUST_FAIL(store_open(&settings, &f.store, &f.err), ERR_IO);
    ck_assert_msg(strstr(f.err.text, words) != NULL, "%s", f.err.text);
    ck_assert_ptr_null(f.store);
}

START_TEST(damage_is_found_by_the_check)
{
    static const unsigned char noise[4096] = {0x5a, 0x5a};

    begin(DISK);
    for (int mark = 0; mark < 20; mark++) {
        write_group(mark);
    }
    OWN(fd) int fd = open_file();
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    overwrite(fd, st.st_size - 4096, noise, sizeof noise); /* the last page: rows */
    open_store();
    struct store *reader = open_reader();
    MUST_FAIL(store_quick_check(reader, &f.err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(f.err.text, "damaged"));
    store_close(reader);
    end();
}
END_TEST

START_TEST(newer_database_is_refused)
{
    static const unsigned char version[4] = {0, 0, 0x27, 0x0f};

    begin(DISK);
    OWN(fd) int fd = open_file();
    overwrite(fd, 60, version, sizeof version); /* user_version, SQLite's file format 1.3 */
    expect_refused("version 9999, newer than");
    end();
}
END_TEST

START_TEST(foreign_database_is_refused)
{
    static const unsigned char application[4] = {1, 2, 3, 4};

    begin(DISK);
    OWN(fd) int fd = open_file();
    overwrite(fd, 68, application, sizeof application); /* application_id */
    expect_refused("is not a database of honed");
    end();
}
END_TEST

START_TEST(file_that_is_no_database_is_refused)
{
    begin(DISK);
    OWN(fd) int fd = open_file();
    overwrite(fd, 0, "no database at all", 18);
    expect_refused("damaged");
    end();
}
END_TEST

START_TEST(missing_directory_is_refused)
{
    begin(DISK);
    store_close(f.store);
    f.store = NULL;
    directory_remove(f.directory);
    expect_refused("unable to open");
    directory_create(f.directory);
    end();
}
END_TEST

START_TEST(data_directory_has_one_server)
{
    char path[DIRECTORY_BYTES + 16];
    struct stat st;
    int fd = -1;
    int other = -2;

    begin(DISK);
    (void)snprintf(path, sizeof path, "%s/data", f.directory);
    MUST(store_lock_directory(path, &fd, &f.err));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    char holder[40];
    (void)snprintf(holder, sizeof holder, "(pid %ld)", (long)getpid());
    MUST_FAIL(store_lock_directory(path, &other, &f.err), ERR_OVERLOADED);
    ck_assert_ptr_nonnull(strstr(f.err.text, holder));
    ck_assert_int_eq(other, -2);
    ck_assert_int_eq(close(fd), 0);
    MUST(store_lock_directory(path, &fd, &f.err));
    ck_assert_int_eq(close(fd), 0);
    end();
}
END_TEST

START_TEST(directory_that_others_can_write_is_refused)
{
    int fd = -1;

    begin(DISK);
    ck_assert_int_eq(chmod(f.directory, 0770), 0);
    MUST_FAIL(store_lock_directory(f.directory, &fd, &f.err), ERR_IO);
    ck_assert_int_eq(fd, -1);
    end();
}
END_TEST

/* ---- the suite ---- */

static void add_all(TCase *tcase, const TTest *const tests[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tcase_add_loop_test(tcase, tests[i], 0, (int)(sizeof stores / sizeof stores[0]));
    }
}

#define ADD_ALL(suite, name, ...)                                                                  \
    do {                                                                                           \
        TCase *tcase = tcase_create(name);                                                         \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        add_all(tcase, tests, sizeof tests / sizeof tests[0]);                                     \
        suite_add_tcase(suite, tcase);                                                             \
    } while (0)

int main(void)
{
    Suite *suite = suite_create("store");

    ADD_ALL(suite, "studies", study_reads_back_as_inserted,
            study_update_keeps_name_and_accepted_body, live_studies_come_in_order_of_id,
            walk_stops_with_what_the_callback_returns, metrics_belong_to_their_study,
            worker_reads_back_under_its_id, purge_removes_only_what_was_deleted_before);
    ADD_ALL(suite, "trials", trial_reads_back_as_inserted, as_many_values_come_back_as_went_in,
            trial_update_changes_all_but_its_birth, row_that_does_not_exist_is_not_found,
            open_trials_are_those_that_have_not_ended, page_starts_beyond_the_key,
            trial_names_the_worker_of_its_newest_attempt, attempt_reads_back_as_updated,
            attempts_of_a_trial_come_in_order_of_number,
            recent_requests_are_those_of_attempts_that_ended_since);
    ADD_ALL(suite, "journal", first_value_of_a_measurement_wins, measurement_is_replaced_alone,
            measurements_come_in_order_of_metric_step_attempt, events_are_numbered_in_order,
            number_of_an_undone_event_is_given_again, facts_come_in_order_of_happening,
            fits_come_oldest_first, transfers_come_in_order_of_place_and_number,
            discards_come_oldest_first_until_deleted, nodes_are_replaced_by_name_until_deleted,
            replies_are_kept_until_purged, token_is_revoked_once);
    ADD_ALL(suite, "groups", group_without_writes_is_not_dirty, undone_command_leaves_nothing,
            undone_command_costs_the_others_nothing, rolled_back_group_leaves_nothing,
            group_is_rolled_back_in_the_middle_of_a_command, reader_sees_only_what_was_committed,
            read_transaction_sees_one_moment, reader_cannot_write);
    ADD_ALL(suite, "connections", content_outlives_the_connection_on_disk_only,
            close_in_a_group_is_a_rollback, checkpoint_changes_no_content,
            clean_mark_holds_for_one_start, two_stores_do_not_meet,
            sound_database_passes_the_check);
    TCase *files = tcase_create("files");
    tcase_add_test(files, damage_is_found_by_the_check);
    tcase_add_test(files, newer_database_is_refused);
    tcase_add_test(files, foreign_database_is_refused);
    tcase_add_test(files, file_that_is_no_database_is_refused);
    tcase_add_test(files, missing_directory_is_refused);
    tcase_add_test(files, data_directory_has_one_server);
    tcase_add_test(files, directory_that_others_can_write_is_refused);
    suite_add_tcase(suite, files);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
