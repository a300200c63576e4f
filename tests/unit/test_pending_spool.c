/* Measurements that wait in the spool: more than memory holds, and those that an earlier worker has
 * left. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"
#include "worker/agent/attempt_log.h"
#include "worker/agent/pending.h"
#include "worker/agent/pending_condense.h"
#include "worker/agent/pending_restore.h"

#define OBJECTIVES "[{\"metric\":\"loss\",\"direction\":\"minimize\"}]"
#define STEPS_MAX 16000
#define FLOOD 15000

/* A server that keeps the first value of a step and metric unless it is told to replace it, and
 * takes no metric called "bad" and no infinite loss. */
static struct {
    double loss[STEPS_MAX], acc[STEPS_MAX]; /* NaN: none */
    size_t n_new, n_again, n_refused;
    int64_t newest;
    bool in_order; /* each new loss was of a later step */
    bool replaces; /* a batch said so */
} server;

static char folder[DIRECTORY_BYTES];
static char path[512];
static json_t *objectives;
static struct notes notes;
static struct spool spool;
static struct pending pending;

static void begin_worker(void)
{
    notes_init(&notes, 7);
    pending_init(&pending, objectives, &notes, &spool);
}

static void end_worker(void)
{
    pending_finish(&pending);
    notes_finish(&notes);
}

static void set_up(void)
{
    struct err err = {0};

    for (size_t i = 0; i < STEPS_MAX; i++) {
        server.loss[i] = server.acc[i] = (double)NAN;
    }
    server.in_order = true;
    server.newest = -1;
    directory_create(folder);
    (void)snprintf(path, sizeof path, "%s/slot-0.spool", folder);
    spool_init(&spool);
    ck_assert_int_eq(spool_begin(&spool, path, &err), 0);
    objectives = json_loads(OBJECTIVES, 0, NULL);
    begin_worker();
}

static void tear_down(void)
{
    end_worker();
    spool_finish(&spool);
    json_decref(objectives);
    directory_remove(folder);
}

/* Another worker takes up what was written. */
static void restart(void)
{
    OWN(attempt_log) struct attempt_log log = {0};
    struct err err = {0};

    spool_flush(&spool, 0);
    end_worker();
    ck_assert_int_eq(spool_continue(&spool, path, &err), 0);
    ck_assert(attempt_log_read(&spool, &log));
    begin_worker();
    pending_restore(&pending, log.answered);
}

static void measure(int64_t step, double loss, double acc)
{
    struct metric_value metrics[] = {{"loss", loss}, {"acc", acc}};

    pending_add(&pending, step, metrics, 2);
}

static void measure_one(int64_t step, const char *metric, double value)
{
    struct metric_value one = {.value = value};

    (void)snprintf(one.metric, sizeof one.metric, "%s", metric);
    pending_add(&pending, step, &one, 1);
}

/* ---- the server ---- */

static bool server_takes(const struct measurement_list *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        if (strcmp(batch->items[i].metric, "bad") == 0 || isinf(batch->items[i].value)) {
            return false;
        }
    }
    return true;
}

static void server_keeps(const struct measurement *item, bool replaces)
{
    bool is_loss = strcmp(item->metric, "loss") == 0;
    double *kept = is_loss ? &server.loss[item->step] : &server.acc[item->step];

    if (!isnan(*kept)) {
        server.n_again++;
        *kept = replaces ? item->value : *kept;
        return;
    }
    server.n_new++;
    *kept = item->value;
    if (is_loss) {
        server.in_order = server.in_order && item->step > server.newest;
        server.newest = item->step;
    }
}

/* The next request; its answer reaches the worker or does not. */
static void send_once(bool is_answered)
{
    OWN(measurement_list) struct measurement_list batch = {0};
    struct err err = {0};

    ck_assert_int_eq(pending_batch(&pending, &batch, &err), 0);
    if (!server_takes(&batch)) {
        server.n_refused++;
        (void)err_set(&err, ERR_INVALID, "refused");
        pending_refused(&pending, &err);
        return;
    }
    server.replaces = server.replaces || batch.replace;
    for (size_t i = 0; i < batch.n; i++) {
        server_keeps(&batch.items[i], batch.replace);
    }
    if (is_answered) {
        pending_accepted(&pending, 0, 0);
    }
}

static void send_all(void)
{
    while (pending.n > 0) {
        send_once(true);
    }
}

static bool is_lost(void)
{
    OWN(buf) struct buf out;

    buf_init(&out, 500);
    return pending_append_lost(&pending, &out);
}

/* ---- more than memory holds ---- */

START_TEST(a_flood_waits_in_the_spool_and_arrives_once_in_order)
{
    size_t most = 0;

    for (int64_t step = 0; step < FLOOD; step++) {
        measure(step, 1.0 / (double)(step + 1), (double)step);
        most = pending.n > most ? pending.n : most;
    }
    ck_assert_uint_le(most, PENDING_ITEMS_KEPT + 1);
    ck_assert(pending_is_measured(&pending));
    while (pending.n > 0) {
        send_once(true);
        ck_assert_uint_le(pending.n, PENDING_ITEMS_KEPT + 1);
    }
    ck_assert_uint_eq(server.n_new, 2 * FLOOD);
    ck_assert_uint_eq(server.n_again, 0);
    ck_assert(server.in_order && !server.replaces);
    ck_assert(server.loss[FLOOD - 1] == 1.0 / FLOOD && server.acc[FLOOD - 1] == FLOOD - 1);
    ck_assert(!is_lost());
    ck_assert_uint_eq(pending.answered, FLOOD);
}
END_TEST

START_TEST(what_comes_while_others_wait_comes_behind_them)
{
    int64_t step = 0;

    for (; step < FLOOD / 2; step++) {
        measure(step, (double)step, 0);
    }
    while (pending.n > 0) {
        send_once(true);
        for (int i = 0; i < 500 && step < FLOOD; i++, step++) {
            measure(step, (double)step, 0);
        }
    }
    ck_assert_int_eq(step, FLOOD);
    ck_assert_uint_eq(server.n_new, 2 * FLOOD);
    ck_assert(server.in_order && !is_lost());
}
END_TEST

START_TEST(a_value_that_waits_in_the_spool_is_corrected_from_there)
{
    for (int64_t step = 0; step < FLOOD; step++) {
        measure(step, 5, 5);
    }
    measure(FLOOD - 1, 3, 5); /* both wait there */
    measure(1, 4, 5);         /* the first one does not */
    send_all();
    ck_assert(server.loss[FLOOD - 1] == 3 && server.loss[1] == 4 && server.loss[2] == 5);
    ck_assert(server.replaces && !is_lost());
}
END_TEST

START_TEST(what_finds_no_place_anywhere_is_told_and_not_believed)
{
    OWN(spool) struct spool memory;
    static char content[1 << 20];

    spool_init(&memory);
    pending.spool = &memory;
    while (spool_append(&memory, SPOOL_RUN, content, sizeof content)) {
    }
    while (spool_append(&memory, SPOOL_RUN, content, 1)) {
    }
    for (int64_t step = 0; step < FLOOD; step++) {
        measure(step, (double)(FLOOD - step), 0);
    }
    ck_assert_ptr_nonnull(strstr(notes_text(&notes), "from step 5000 on are not kept"));
    send_all();
    ck_assert(is_lost()); /* so the trial is not completed with an older value */
    pending.spool = &spool;
}
END_TEST

/* ---- another worker goes on ---- */

/* In each row the worker is killed after so many requests, of which the last was answered or not.
 */
static const struct {
    size_t n_sent;
    bool is_answered;
} kills[] = {{0, true}, {1, true}, {1, false}, {4, true}, {4, false}, {9, false}, {15, true}};

START_TEST(another_worker_sends_the_rest_in_order)
{
    for (int64_t step = 0; step < FLOOD; step++) {
        measure(step, (double)(step % 7), (double)step);
    }
    for (size_t i = 1; i <= kills[_i].n_sent; i++) {
        send_once(i < kills[_i].n_sent || kills[_i].is_answered);
    }
    size_t n_before = server.n_new;
    restart();
    ck_assert(pending_is_measured(&pending));
    ck_assert_uint_le(pending.n, PENDING_ITEMS_KEPT + 1);
    send_all();
    ck_assert_uint_eq(server.n_new, 2 * FLOOD);
    ck_assert(server.in_order && !is_lost());
    ck_assert_uint_le(server.n_again, kills[_i].is_answered ? 1 : n_before);
    ck_assert(server.loss[FLOOD - 1] == (double)((FLOOD - 1) % 7));
}
END_TEST

START_TEST(a_correction_is_one_for_another_worker_too)
{
    measure(1, 5, 0);
    measure(2, 6, 0);
    send_once(false);
    measure(2, 4, 0);
    restart();
    send_all();
    ck_assert(server.loss[1] == 5 && server.loss[2] == 4);
    measure(1, 3, 0); /* it was answered by now */
    restart();
    send_all();
    ck_assert(server.loss[1] == 3 && !is_lost());
}
END_TEST

START_TEST(what_was_answered_is_not_sent_again)
{
    measure(1, 5, 0);
    send_all();
    restart();
    ck_assert_uint_eq(pending.n, 0);
    ck_assert(pending_is_measured(&pending) && !is_lost());
    measure(2, 4, 0);
    ck_assert_uint_eq(pending.last, 2);
    send_all();
    ck_assert_uint_eq(server.n_again, 0);
    ck_assert(!server.replaces);
}
END_TEST

START_TEST(a_refused_name_is_not_tried_by_another_worker)
{
    measure_one(1, "bad", 1);
    measure_one(1, "loss", 1);
    send_all();
    restart();
    size_t n_refused = server.n_refused;
    ck_assert_uint_gt(n_refused, 0);
    measure_one(2, "bad", 1);
    measure_one(2, "loss", 2);
    send_all();
    ck_assert_uint_eq(server.n_refused, n_refused);
    ck_assert(server.loss[2] == 2 && !is_lost());
}
END_TEST

START_TEST(a_refused_value_is_lost_for_another_worker_too)
{
    measure_one(1, "loss", 1);
    send_all();
    measure_one(2, "loss", (double)INFINITY);
    send_all();
    ck_assert(is_lost());
    restart();
    ck_assert_uint_eq(pending.n, 0);
    ck_assert(is_lost());
}
END_TEST

/* ---- a long spool is made shorter ---- */

static void condense(void)
{
    OWN(spool) struct spool shorter;
    struct pending_steps steps = {true, pending.names[0].sent_step, 3};
    char beside[600];
    struct err err = {0};

    (void)snprintf(beside, sizeof beside, "%s.new", path);
    spool_init(&shorter);
    spool_flush(&spool, 0);
    ck_assert_int_eq(spool_begin(&shorter, beside, &err), 0);
    ck_assert(pending_condense(&pending, steps, &shorter));
    spool_sync(&shorter, 0);
    ck_assert_int_eq(spool_replace(&spool, &shorter, &err), 0);
    ck_assert_str_eq(spool.path, path);
}

static void begin_run(void)
{
    char text[] = "";
    struct attempt_run run = {.to = 9, .folder = text, .boot = text, .gpu = text};

    ck_assert(attempt_log_run(&spool, &run));
}

/* In each row so many requests were answered before it was made shorter, and so many after that,
 * before the worker was killed. */
static const struct {
    size_t before, after;
} condensed[] = {{0, 0}, {1, 0}, {3, 2}, {8, 0}, {8, 3}, {15, 0}};

START_TEST(a_shorter_spool_says_the_same)
{
    begin_run();
    for (int64_t step = 0; step < FLOOD; step++) {
        measure(step, (double)(step % 7), (double)step);
    }
    for (size_t i = 0; i < condensed[_i].before; i++) {
        send_once(true);
    }
    int64_t long_bytes = spool_end(&spool);
    condense();
    int64_t left = (int64_t)(pending.last - pending.answered);
    ck_assert_int_lt(spool_end(&spool) - long_bytes * left / FLOOD, 4000);
    for (size_t i = 0; i < condensed[_i].after; i++) {
        send_once(true);
    }
    restart();
    send_all();
    ck_assert_uint_eq(server.n_new, 2 * FLOOD);
    ck_assert(server.in_order && !is_lost());
    measure(FLOOD, 1, 1);
    send_all();
    ck_assert(server.loss[FLOOD] == 1);
}
END_TEST

START_TEST(a_worker_goes_on_with_a_shorter_spool)
{
    begin_run();
    for (int64_t step = 0; step < FLOOD; step++) {
        measure(step, (double)step, 0);
        if (step % 6000 == 5999) {
            send_once(true);
            condense();
        }
    }
    send_all();
    condense();
    ck_assert_int_lt(spool_end(&spool), 2000);
    ck_assert_uint_eq(server.n_new, 2 * FLOOD);
    ck_assert(server.in_order && !is_lost());
    measure(1, 3, 0); /* a correction of what is not in it any more */
    restart();
    send_all();
    ck_assert(server.loss[1] == 3 && !is_lost());
}
END_TEST

START_TEST(a_shorter_spool_knows_what_was_refused_and_best)
{
    struct reported_value best[] = {{4, 2}, {2, 5}};
    bool is_best = false;

    json_decref(objectives);
    objectives =
        json_loads("[{\"metric\":\"loss\",\"direction\":\"minimize\",\"fold\":\"best\"}]", 0, NULL);
    end_worker();
    begin_worker();
    begin_run();
    measure_one(1, "bad", 1);
    for (size_t i = 0; i < 2; i++) {
        measure_one(best[i].step, "loss", best[i].value);
    }
    send_all();
    measure_one(5, "loss", -(double)INFINITY); /* it would be the best, and is refused */
    send_all();
    ck_assert(is_lost());
    condense();
    restart();
    ck_assert(is_lost());
    ck_assert_int_eq(pending_decisive(&pending.objectives[0], &is_best).step, 5);
    ck_assert(pending.objectives[0].delivered.best[0].step == 4);
    size_t n_refused = server.n_refused;
    measure_one(6, "bad", 1);
    measure_one(6, "loss", 9);
    send_all();
    ck_assert_uint_eq(server.n_refused, n_refused);
}
END_TEST

START_TEST(a_shorter_spool_knows_the_steps_of_the_run)
{
    OWN(attempt_log) struct attempt_log log = {0};

    begin_run();
    for (int64_t step = 0; step < 100; step++) {
        measure(step, 1, 0);
    }
    measure(3, 2, 0);
    send_all();
    condense();
    ck_assert(attempt_log_read(&spool, &log));
    ck_assert(log.has_step);
    ck_assert_int_eq(log.last_step, 3);
    ck_assert_int_eq(log.furthest_step, 99);
    ck_assert_uint_eq(log.answered, 101);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pending_spool");
    TCase *tcase = tcase_create("pending_spool");

    log_start("test", LOG_LEVEL_ERROR);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_flood_waits_in_the_spool_and_arrives_once_in_order);
    tcase_add_test(tcase, what_comes_while_others_wait_comes_behind_them);
    tcase_add_test(tcase, a_value_that_waits_in_the_spool_is_corrected_from_there);
    tcase_add_test(tcase, what_finds_no_place_anywhere_is_told_and_not_believed);
    tcase_add_loop_test(tcase, another_worker_sends_the_rest_in_order, 0,
                        (int)(sizeof kills / sizeof kills[0]));
    tcase_add_test(tcase, a_correction_is_one_for_another_worker_too);
    tcase_add_test(tcase, what_was_answered_is_not_sent_again);
    tcase_add_test(tcase, a_refused_name_is_not_tried_by_another_worker);
    tcase_add_test(tcase, a_refused_value_is_lost_for_another_worker_too);
    tcase_add_loop_test(tcase, a_shorter_spool_says_the_same, 0,
                        (int)(sizeof condensed / sizeof condensed[0]));
    tcase_add_test(tcase, a_worker_goes_on_with_a_shorter_spool);
    tcase_add_test(tcase, a_shorter_spool_knows_what_was_refused_and_best);
    tcase_add_test(tcase, a_shorter_spool_knows_the_steps_of_the_run);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
