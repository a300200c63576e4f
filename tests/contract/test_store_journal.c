/* store.h, demanded of every store behind it: what only grows. */
#include "tests/contract/store_fixture.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/audit.h"
#include "server/store/decisions.h"
#include "server/store/discards.h"
#include "server/store/replies.h"
#include "server/store/tokens.h"

/* ---- callbacks that note what they were given ---- */

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

static int see_use(void *context, const struct token_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%s:%" PRId64 " ", row->id, row->used_at_ms);
    return 0;
}

/* ---- cases ---- */

START_TEST(first_value_of_a_measurement_wins)
{
    enum store_append result;

    begin_case(_i);
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
    end_case();
}
END_TEST

START_TEST(measurement_is_replaced_alone)
{
    enum store_append result;
    bool found;

    begin_case(_i);
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
    end_case();
}
END_TEST

START_TEST(measurements_come_in_order_of_metric_step_attempt)
{
    enum store_append result;

    begin_case(_i);
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
    end_case();
}
END_TEST

/* Two attempts of ten steps and two metrics, of which the second has gaps. */
START_TEST(a_page_of_measurements_reads_no_more_than_it_holds)
{
    enum store_append result;

    begin_case(_i);
    for (int64_t attempt = 1; attempt <= 2; attempt++) {
        for (int64_t step = 0; step < 10; step++) {
            for (int64_t metric = 0; metric < (step % 3 == 0 ? 2 : 1); metric++) {
                MUST(store_measurement_append(
                    f.store, &(const struct measurement_row){8, attempt, metric, step, 1}, &result,
                    &f.err));
            }
        }
    }
    struct measurement_query query = {
        .trial = 8, .metric = -1, .after_step = -1, .after_attempt = -1, .limit = 2};
    MUST(store_each_measurement_after(f.store, &query, see_measurement, NULL, &f.err));
    expect_seen("0:0:1=1 0:1:1=1 1:0:1=1 1:3:1=1 0:0:2=1 0:1:2=1 1:0:2=1 1:3:2=1 ");
    query.after_step = 3;
    query.after_attempt = 1; /* that step of the second attempt is still to come */
    MUST(store_each_measurement_after(f.store, &query, see_measurement, NULL, &f.err));
    expect_seen("0:4:1=1 0:5:1=1 1:6:1=1 1:9:1=1 0:3:2=1 0:4:2=1 1:3:2=1 1:6:2=1 ");
    query.metric = 1;
    query.after_step = 9;
    MUST(store_each_measurement_after(f.store, &query, see_measurement, NULL, &f.err));
    expect_seen("1:9:2=1 ");
    query.trial = 9;
    MUST(store_each_measurement_after(f.store, &query, see_measurement, NULL, &f.err));
    expect_seen("");
    end_case();
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

    begin_case(_i);
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
    end_case();
}
END_TEST

START_TEST(an_event_of_a_kind_that_a_newer_server_has_written_is_read)
{
    int64_t looked_at = 0;

    begin_case(_i);
    for (unsigned kind = EVENT_KIND_COUNT; kind < EVENT_KIND_COUNT + 2; kind++) {
        (void)add_event(3, (enum event_kind)kind, 0);
    }
    MUST(store_each_event(f.store, 0, 0, 9, see_event, NULL, &looked_at, &f.err));
    ck_assert_ptr_nonnull(strstr(buf_text(&f.seen), "unknown"));
    end_case();
}
END_TEST

START_TEST(number_of_an_undone_event_is_given_again)
{
    int64_t seq = -1;

    begin_case(_i);
    ck_assert_int_eq(add_event(1, EVENT_TRIAL_QUEUED, 1), 1);
    store_group_begin(f.store);
    ck_assert_int_eq(add_event(1, EVENT_TRIAL_QUEUED, 2), 2);
    store_group_rollback(f.store);
    MUST(store_last_seq(f.store, &seq, &f.err));
    ck_assert_int_eq(seq, 1);
    ck_assert_int_eq(add_event(1, EVENT_TRIAL_QUEUED, 3), 2); /* no gap for those who follow */
    end_case();
}
END_TEST

START_TEST(facts_come_in_order_of_happening)
{
    begin_case(_i);
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
    end_case();
}
END_TEST

START_TEST(fits_come_oldest_first)
{
    begin_case(_i);
    MUST(store_fit_insert(f.store, 1, 30, "later", 5, &f.err));
    MUST(store_fit_insert(f.store, 1, 10, "b\0c", 3, &f.err));
    MUST(store_fit_insert(f.store, 2, 5, "other", 5, &f.err));
    MUST(store_each_fit(f.store, 1, see_fit, NULL, &f.err));
    ck_assert_uint_eq(f.seen.len, strlen("30:later ") + strlen("10:b?c "));
    ck_assert_mem_eq(f.seen.data, "30:later 10:b\0c ", f.seen.len);
    end_case();
}
END_TEST

START_TEST(transfers_come_in_order_of_place_and_number)
{
    static const double config[] = {0.5, 2};

    begin_case(_i);
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
    end_case();
}
END_TEST

START_TEST(discards_come_oldest_first_until_deleted)
{
    struct discard_row a = {.study = 1, .host = "h:", .uri = "x", .attempt = 9, .at_ms = 50};
    struct discard_row b = {.study = 1, .host = "", .uri = "y", .at_ms = 40};

    begin_case(_i);
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
    end_case();
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

    begin_case(_i);
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
    end_case();
}
END_TEST

START_TEST(replies_are_kept_until_purged)
{
    static char text[] = "{\"id\":1}";
    struct reply_row row = {.status = 201, .text = text, .at_ms = 1000};
    struct reply_row found_row = {0};
    bool found = true;
    bool more = true;

    begin_case(_i);
    MUST(store_reply_find(f.store, row.key, &found_row, &found, &f.err));
    ck_assert(!found);
    row.body[3] = 7;
    MUST(store_reply_insert(f.store, &row, &f.err));
    MUST(store_reply_purge(f.store, 1000, 10, &more, &f.err)); /* before, not at */
    MUST(store_reply_find(f.store, row.key, &found_row, &found, &f.err));
    ck_assert(found);
    ck_assert_int_eq(found_row.status, 201);
    ck_assert_str_eq(found_row.text, text);
    ck_assert_mem_eq(found_row.key, row.key, sizeof row.key);
    ck_assert_mem_eq(found_row.body, row.body, sizeof row.body);
    ck_assert_int_eq(found_row.at_ms, 1000);
    free(found_row.text);
    MUST(store_reply_purge(f.store, 1001, 10, &more, &f.err));
    ck_assert(!more);
    MUST(store_reply_find(f.store, row.key, &found_row, &found, &f.err));
    ck_assert(!found);
    end_case();
}
END_TEST

START_TEST(token_is_revoked_once)
{
    begin_case(_i);
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
    end_case();
}
END_TEST

START_TEST(newest_use_of_a_token_is_kept)
{
    static const struct token_use uses[] = {{"t_a", 50}, {"t_a", 40}, {"t_c", 60}, {"t_a", 51}};

    begin_case(_i);
    struct token_row a = script_token("t_a", 10);
    struct token_row b = script_token("t_b", 20);
    MUST(store_token_insert(f.store, &a, &f.err));
    MUST(store_token_insert(f.store, &b, &f.err));
    MUST(store_each_token(f.store, see_use, NULL, &f.err));
    expect_seen("t_a:0 t_b:0 ");
    for (size_t i = 0; i < 3; i++) {
        MUST(store_token_used(f.store, &uses[i], &f.err));
    }
    MUST(store_each_token(f.store, see_use, NULL, &f.err));
    expect_seen("t_a:50 t_b:0 ");
    MUST(store_token_used(f.store, &uses[3], &f.err));
    MUST(store_each_token(f.store, see_use, NULL, &f.err));
    expect_seen("t_a:51 t_b:0 ");
    end_case();
}
END_TEST

static int see_audit(void *context, const struct audit_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 ":%s:%s:%s:%" PRId64 " ", row->id,
               row->token_name == NULL ? "-" : row->token_name, audit_action_name(row->action),
               row->study == NULL ? "-" : row->study, row->trial);
    return 0;
}

START_TEST(audit_comes_newest_first_until_purged)
{
    bool more = false;

    begin_case(_i);
    struct token_row a = script_token("t_a", 10);
    const struct audit_row rows[] = {
        {.at_ms = 5, .token = "", .address = "", .action = AUDIT_TOKEN_CREATED, .target = "t_a"},
        {.at_ms = 6, .token = "t_a", .address = "::1", .action = AUDIT_STUDY_CREATED, .study = "s"},
        {.at_ms = 7,
         .token = "t_x",
         .address = "",
         .action = AUDIT_TRIAL_CANCELLED,
         .study = "s",
         .trial = 3,
         .detail = "d"}};
    (void)snprintf(a.name, sizeof a.name, "laptop");
    MUST(store_token_insert(f.store, &a, &f.err));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        MUST(store_audit_append(f.store, &rows[i], &f.err));
    }
    MUST(store_each_audit(f.store, INT64_MAX, 10, see_audit, NULL, &f.err));
    expect_seen("3:-:trial-cancelled:s:3 2:laptop:study-created:s:0 1:-:token-created:-:0 ");
    MUST(store_each_audit(f.store, 3, 1, see_audit, NULL, &f.err));
    expect_seen("2:laptop:study-created:s:0 ");
    MUST(store_audit_purge(f.store, 7, 1, &more, &f.err));
    ck_assert(more);
    MUST(store_each_audit(f.store, INT64_MAX, 10, see_audit, NULL, &f.err));
    expect_seen("3:-:trial-cancelled:s:3 2:laptop:study-created:s:0 ");
    MUST(store_audit_purge(f.store, 7, 10, &more, &f.err));
    ck_assert(!more);
    MUST(store_each_audit(f.store, INT64_MAX, 10, see_audit, NULL, &f.err));
    expect_seen("3:-:trial-cancelled:s:3 ");
    end_case();
}
END_TEST

void add_store_journal(Suite *suite)
{
    ADD_CASES(suite, "journal", first_value_of_a_measurement_wins, measurement_is_replaced_alone,
              measurements_come_in_order_of_metric_step_attempt,
              a_page_of_measurements_reads_no_more_than_it_holds, events_are_numbered_in_order,
              an_event_of_a_kind_that_a_newer_server_has_written_is_read,
              number_of_an_undone_event_is_given_again, facts_come_in_order_of_happening,
              fits_come_oldest_first, transfers_come_in_order_of_place_and_number,
              discards_come_oldest_first_until_deleted, nodes_are_replaced_by_name_until_deleted,
              replies_are_kept_until_purged, token_is_revoked_once, newest_use_of_a_token_is_kept,
              audit_comes_newest_first_until_purged);
}
