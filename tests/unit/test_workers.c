/* How many workers are remembered, and which of them. */
#include "server/state/workers.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/state/lifecycle.h"
#include "server/state/node_health.h"
#include "tests/support/run_suite.h"

static struct state state;
static struct store *store;
static struct err err;

#define MUST(step) ck_assert_msg((step) == 0, "%s", err.text)

static void begin(void)
{
    struct store_settings settings = {0};

    MUST(store_open(&settings, &store, &err));
    state_init(&state, store);
    state.now_ms = 1000;
    state.wall_ms = 1000000;
    store_group_begin(store);
}

static void end(void)
{
    state_finish(&state);
    store_close(store);
}

/* An ask of worker PREFIX-NUMBER:0, of its own node. */
static struct live_worker *seen(const char *prefix, int number)
{
    struct lease_ask ask = {0};
    struct live_worker *worker;

    (void)snprintf(ask.worker, sizeof ask.worker, "%s-%d:0", prefix, number);
    MUST(worker_seen(&state, &ask, &worker, &err));
    return worker;
}

static bool is_known(const char *prefix, int number)
{
    char name[WORKER_NAME_BYTES];
    const struct live_worker *worker;

    (void)snprintf(name, sizeof name, "%s-%d:0", prefix, number);
    for (size_t at = 0; (worker = map_next(&state.worker_by_name, &at)) != NULL;) {
        if (strcmp(worker->name, name) == 0) {
            ck_assert_ptr_nonnull(node_named(&state, name));
            return true;
        }
    }
    return false;
}

START_TEST(names_without_end_are_not_kept_without_end)
{
    for (int i = 0; i < 5 * WORKERS_KEPT; i++) {
        (void)seen("job", i);
    }
    ck_assert_uint_eq(state.worker_by_name.n, WORKERS_KEPT);
    ck_assert_uint_eq(state.node_by_name.n, WORKERS_KEPT);
    ck_assert(is_known("job", 5 * WORKERS_KEPT - 1));
    ck_assert(is_known("job", 4 * WORKERS_KEPT));
    ck_assert(!is_known("job", 4 * WORKERS_KEPT - 1));
}
END_TEST

START_TEST(those_in_use_are_kept)
{
    seen("leased", 0)->held = 1;
    seen("waiting", 0)->waiting = 1;
    (void)seen("idle", 0);
    MUST(node_drain(&state, seen("drained", 0)->node, &err));
    for (int i = 0; i < 2 * WORKERS_KEPT; i++) {
        (void)seen("job", i);
    }
    ck_assert(is_known("leased", 0));
    ck_assert(is_known("waiting", 0));
    ck_assert(is_known("drained", 0));
    ck_assert(!is_known("idle", 0));
    seen("leased", 0)->held = 0;
    seen("waiting", 0)->waiting = 0;
}
END_TEST

START_TEST(one_that_asks_again_is_as_good_as_new)
{
    (void)seen("early", 0);
    for (int i = 0; i < 2 * WORKERS_KEPT; i++) {
        (void)seen("job", i);
        if (i % 1000 == 0) {
            (void)seen("early", 0);
        }
    }
    ck_assert(is_known("early", 0));
}
END_TEST

START_TEST(nobody_asks_for_a_day)
{
    (void)seen("job", 1);
    state.now_ms += WORKER_KEPT_MS - 1;
    (void)seen("job", 2);
    ck_assert(is_known("job", 1));
    state.now_ms += 1;
    (void)seen("job", 3);
    ck_assert(!is_known("job", 1));
    ck_assert(is_known("job", 2));
    ck_assert(is_known("job", 3));
}
END_TEST

START_TEST(several_workers_share_a_node)
{
    struct lease_ask ask = {.worker = "gpu07:0"};
    struct live_worker *worker;

    MUST(worker_seen(&state, &ask, &worker, &err));
    state.now_ms += WORKER_KEPT_MS - 1;
    ask = (struct lease_ask){.worker = "gpu07:1"};
    MUST(worker_seen(&state, &ask, &worker, &err));
    state.now_ms += 1;
    (void)seen("job", 1); /* gpu07:0 is forgotten */
    ck_assert_uint_eq(state.worker_by_name.n, 2);
    ck_assert_ptr_eq(node_named(&state, "gpu07"), worker->node);
}
END_TEST

START_TEST(a_forgotten_one_has_the_row_that_it_had)
{
    struct live_worker *worker = seen("job", 1);

    MUST(worker_save(&state, worker, &err));
    int64_t row = worker->id;
    state.now_ms += WORKER_KEPT_MS;
    (void)seen("job", 2);
    ck_assert(!is_known("job", 1));
    worker = seen("job", 1);
    ck_assert_int_eq(worker->id, 0);
    MUST(worker_save(&state, worker, &err));
    ck_assert_int_eq(worker->id, row);
}
END_TEST

START_TEST(a_node_that_is_drained_outlives_its_workers)
{
    struct node_row row = {.name = "gpu07", .draining = true};

    MUST(node_load(&state, &row, &err));
    ck_assert_ptr_nonnull(node_named(&state, "gpu07:3"));
    ck_assert_ptr_eq(state.nodes, node_named(&state, "gpu07"));
    MUST(node_resume(&state, state.nodes, &err));
    ck_assert_ptr_null(state.nodes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("workers");
    TCase *tcase = tcase_create("workers");

    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, names_without_end_are_not_kept_without_end);
    tcase_add_test(tcase, those_in_use_are_kept);
    tcase_add_test(tcase, one_that_asks_again_is_as_good_as_new);
    tcase_add_test(tcase, nobody_asks_for_a_day);
    tcase_add_test(tcase, several_workers_share_a_node);
    tcase_add_test(tcase, a_forgotten_one_has_the_row_that_it_had);
    tcase_add_test(tcase, a_node_that_is_drained_outlives_its_workers);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
