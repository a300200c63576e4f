/* The trials of a study in order of value: the order itself, and that one which follows the events
 * is the same as one that is made anew. */
#include "server/api/value_order.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "server/api/value_orders.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"

#define TRIALS 60

static struct store *store, *reader;
static struct shared_def *def;
static int64_t study;
static struct live_study_view view; /* of the study: what orders ask of it */

static struct shared_def *make_def(const char *bound)
{
    static const char body[] =
        "{\"name\": \"s\", \"objectives\": [{\"metric\": \"loss\", \"direction\": \"minimize\"}],"
        " \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}],"
        " \"strategy\": {\"name\": \"asha\"}, \"subject_to\": [\"size <= %s\"],"
        " \"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 9}}";
    char text[sizeof body + 20];
    struct study_def *made = NULL;
    struct faults faults = {0};

    (void)snprintf(text, sizeof text, body, bound);
    json_auto_t *json = json_loads(text, 0, NULL);
    ck_assert_int_eq(study_def_from_json(json, 0, &made, &faults), 0);
    return shared_def_create(made);
}

static int64_t add_study(const char *name)
{
    static char body[] = "{}";
    struct study_row row = {
        .accepted = body, .definition = body, .state = STUDY_RUNNING, .created_at_ms = 1};

    (void)snprintf(row.name, sizeof row.name, "%s", name);
    ck_assert_int_eq(store_study_insert(store, &row, NULL), 0);
    return row.id;
}

static void set_up_in(const char *directory)
{
    const struct store_settings settings = {.directory = directory};

    ck_assert_int_eq(store_open(&settings, &store, NULL), 0);
    ck_assert_int_eq(store_open_reader(store, &reader, NULL), 0);
    def = make_def("5");
    study = add_study("s");
    view = (struct live_study_view){.id = study, .def = def, .row.revision = 1};
}

static void set_up(void)
{
    set_up_in(NULL);
}

static void tear_down(void)
{
    store_close(reader);
    store_close(store);
    shared_def_destroy(def);
}

/* ---- trials ---- */

/* Writes the trial and the event of its change, as one group. */
static void change(bool is_new, int64_t number, enum trial_state state, double value, int64_t step,
                   double size)
{
    const bool is_final = trial_state_is_final(state);
    double x = 0.5;
    char metrics[80];
    struct event_row event = {
        .study = study, .kind = EVENT_TRIAL_ENDED, .trial = number, .at_ms = 1};
    struct trial_row row = {.id = trial_id(study, number),
                            .state = state,
                            .source = number % 2 == 0 ? SOURCE_IMPORTED : SOURCE_SUGGESTED,
                            .n_params = 1,
                            .config = &x,
                            .n_values = isfinite(value) ? 1 : 0,
                            .values = {value},
                            .n_bounded = isfinite(value) ? 1 : 0,
                            .bounded = {size},
                            .metrics = metrics,
                            .has_step = true,
                            .step = step,
                            .created_at_ms = 1,
                            .ended_at_ms = is_final ? 1 : 0};

    (void)snprintf(metrics, sizeof metrics, isfinite(value) ? "{\"loss\":%g,\"size\":%g}" : "{}",
                   value, size);
    store_group_begin(store);
    ck_assert_int_eq(store_event_append(store, &event, &row.ended_seq, NULL), 0);
    row.ended_seq = is_final ? row.ended_seq : 0;
    ck_assert_int_eq(
        is_new ? store_trial_insert(store, &row, NULL) : store_trial_update(store, &row, NULL), 0);
    ck_assert_int_eq(store_group_commit(store, NULL), 0);
}

static void add(int64_t number, enum trial_state state, double value)
{
    change(true, number, state, value, 9, 1);
}

/* ---- orders ---- */

static struct value_order *create(enum sort_kind sort, bool maximize, bool reverse)
{
    struct value_order_kind kind = {
        .study = study, .sort = sort, .maximize = maximize, .reverse = reverse};
    struct value_order *order;

    (void)snprintf(kind.metric, sizeof kind.metric, "%s", sort == SORT_BY_METRIC ? "size" : "");
    order = value_order_create(&kind);
    ck_assert_ptr_nonnull(order);
    return order;
}

static int64_t update(struct value_order *order)
{
    int64_t seq = -1;

    ck_assert_int_eq(store_read_begin(reader, NULL), 0);
    ck_assert_int_eq(value_order_update(order, reader, &view, &seq, NULL), 0);
    store_read_end(reader);
    return seq;
}

static void write_numbers(const struct value_order *order, const struct value_filter *filter,
                          size_t limit, char text[400])
{
    struct sort_key keys[TRIALS];
    size_t n = value_order_find(order, filter, limit, keys);
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        len +=
            (size_t)snprintf(text + len, 400 - len, "%s%d", i == 0 ? "" : " ", (int)keys[i].number);
    }
}

static void expect(struct value_order *order, const struct value_filter *filter, size_t limit,
                   const char *expected)
{
    char text[400];

    (void)update(order);
    write_numbers(order, filter, limit, text);
    ck_assert_str_eq(text, expected);
}

static const struct value_filter everything = {.until_seq = INT64_MAX, .source = -1};

static void expect_order(enum sort_kind sort, bool maximize, bool reverse, const char *expected)
{
    OWN(value_order) struct value_order *order = create(sort, maximize, reverse);

    expect(order, &everything, TRIALS, expected);
}

/* Seven of them; number 5 runs, and 7 is paused at step 3. */
static void add_trials(void)
{
    add(1, TRIAL_COMPLETED, 3);
    add(2, TRIAL_COMPLETED, -1);
    add(3, TRIAL_FAILED, -9);
    add(4, TRIAL_COMPLETED, (double)NAN);
    add(5, TRIAL_RUNNING, -8);
    add(6, TRIAL_COMPLETED, 3);
    change(true, 7, TRIAL_PAUSED, -20, 3, 2);
}

START_TEST(finite_values_come_first_in_either_direction)
{
    add_trials();
    expect_order(SORT_BY_VALUE, false, false, "2 1 6 3 4");
    expect_order(SORT_BY_VALUE, true, false, "1 6 2 3 4");
    expect_order(SORT_BY_VALUE, false, true, "1 6 2 3 4");
    expect_order(SORT_BY_BEST, false, false, "2 1 6 7 3 4");
    expect_order(SORT_BY_BEST, true, false, "1 6 2 7 3 4");
    expect_order(SORT_BY_BEST, false, true, "7 1 6 2 3 4");
    expect_order(SORT_BY_METRIC, false, false, "1 2 3 6 4");
}
END_TEST

START_TEST(the_filter_chooses_the_trials)
{
    add_trials();
    OWN(value_order) struct value_order *order = create(SORT_BY_BEST, false, false);
    struct value_filter filter = everything;
    filter.until_seq = 4;
    expect(order, &filter, TRIALS, "2 1 7 3 4");
    filter.states = 1U << TRIAL_COMPLETED | 1U << TRIAL_RUNNING;
    expect(order, &filter, TRIALS, "2 1 4");
    filter.source = SOURCE_IMPORTED;
    expect(order, &filter, TRIALS, "2 4");
}
END_TEST

START_TEST(a_page_begins_behind_its_place)
{
    add_trials();
    for (int reverse = 0; reverse < 2; reverse++) {
        OWN(value_order) struct value_order *order = create(SORT_BY_BEST, false, reverse == 1);
        struct value_filter filter = everything;
        struct sort_key keys[TRIALS], after;
        size_t n = 0;
        (void)update(order);
        ck_assert_uint_eq(value_order_find(order, &filter, TRIALS, keys), 6);
        while (value_order_find(order, &filter, 1, &after) == 1) {
            ck_assert_int_eq(after.number, keys[n++].number);
            filter.after = &after;
        }
        ck_assert_uint_eq(n, 6);
    }
}
END_TEST

/* ---- following the events ---- */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

/* Any state after any other: retried trials are queued again, paused ones go on. */
static void change_at_random(uint32_t *random, int64_t *n_trials)
{
    bool is_new = *n_trials < TRIALS && next_random(random) % 3 == 0;
    int64_t number = is_new ? ++*n_trials : 1 + next_random(random) % *n_trials;
    enum trial_state state = (enum trial_state)(next_random(random) % TRIAL_STATE_COUNT);
    double value = next_random(random) % 6 == 0 ? (double)NAN : next_random(random) % 8;

    change(is_new, number, state, value, 1 + next_random(random) % 9, next_random(random) % 8);
}

static void expect_same(const struct value_order *kept, const struct value_order *fresh)
{
    char left[400], right[400];

    write_numbers(kept, &everything, TRIALS, left);
    write_numbers(fresh, &everything, TRIALS, right);
    ck_assert_str_eq(left, right);
}

START_TEST(an_order_that_follows_is_the_same_as_a_new_one)
{
    static const enum sort_kind kinds[] = {SORT_BY_BEST, SORT_BY_METRIC, SORT_BY_VALUE};
    const enum sort_kind sort = kinds[_i / 4];
    uint32_t random = (uint32_t)_i;
    int64_t n_trials = 1;

    add(1, TRIAL_COMPLETED, 3);
    OWN(value_order) struct value_order *kept = create(sort, _i % 2 == 1, _i / 2 % 2 == 1);
    for (int turn = 0; turn < 60; turn++) {
        OWN(value_order) struct value_order *fresh = create(sort, _i % 2 == 1, _i / 2 % 2 == 1);
        for (uint32_t i = next_random(&random) % 8; i > 0; i--) {
            change_at_random(&random, &n_trials);
        }
        ck_assert_int_eq(update(kept), update(fresh));
        expect_same(kept, fresh);
    }
}
END_TEST

/* Rows that change without an event show whether an order was made anew or followed. */
static void change_in_secret(int64_t number, double value)
{
    char metrics[] = "{}";
    double x = 0.5;
    const struct trial_row row = {.id = trial_id(study, number),
                                  .state = TRIAL_COMPLETED,
                                  .n_params = 1,
                                  .config = &x,
                                  .n_values = 1,
                                  .values = {value},
                                  .metrics = metrics,
                                  .ended_at_ms = 1,
                                  .ended_seq = 1};

    store_group_begin(store);
    ck_assert_int_eq(store_trial_update(store, &row, NULL), 0);
    ck_assert_int_eq(store_group_commit(store, NULL), 0);
}

START_TEST(what_no_event_names_is_not_looked_at_again)
{
    add_trials();
    OWN(value_order) struct value_order *order = create(SORT_BY_VALUE, false, false);
    expect(order, &everything, TRIALS, "2 1 6 3 4");
    change_in_secret(6, -100);
    add(8, TRIAL_COMPLETED, -50);
    expect(order, &everything, TRIALS, "8 2 1 6 3 4");
    for (int i = 0; i < 110; i++) { /* so many events that the trials themselves are less */
        change(false, 5, TRIAL_RUNNING, (double)NAN, 1, 1);
    }
    expect(order, &everything, TRIALS, "6 8 2 1 3 4");
}
END_TEST

START_TEST(another_revision_makes_the_order_anew)
{
    add_trials();
    change(true, 8, TRIAL_COMPLETED, -30, 9, 4);
    OWN(value_order) struct value_order *order = create(SORT_BY_BEST, false, false);
    expect(order, &everything, TRIALS, "8 2 1 6 7 3 4");
    shared_def_destroy(def);
    def = make_def("3");
    view.def = def;
    view.row.revision++;
    expect(order, &everything, TRIALS, "2 1 6 7 3 4 8");
}
END_TEST

START_TEST(events_that_were_purged_make_the_order_anew)
{
    int64_t other, after = 0;
    int64_t seq;

    add_trials();
    OWN(value_order) struct value_order *order = create(SORT_BY_VALUE, false, false);
    expect(order, &everything, TRIALS, "2 1 6 3 4");
    change_in_secret(6, -100);
    other = add_study("t");
    const struct event_row event = {.study = other, .kind = EVENT_STUDY_CREATED, .at_ms = 1};
    ck_assert_int_eq(store_event_append(store, &event, &seq, NULL), 0);
    add(8, TRIAL_COMPLETED, -50);
    ck_assert_int_eq(store_event_purge_study(store, other, &after, 1000, NULL), 0);
    expect(order, &everything, TRIALS, "6 8 2 1 3 4");
}
END_TEST

/* ---- the orders that are kept ---- */

static struct value_orders orders;

static void set_up_orders(void)
{
    set_up();
    add_trials();
    orders = (struct value_orders){.bytes = 0};
}

static void tear_down_orders(void)
{
    value_orders_finish(&orders);
    tear_down();
}

/* Returns the newest event of that moment. */
static int64_t find(const struct value_order_kind *kind, size_t wanted)
{
    struct value_filter filter = {.source = -1};
    struct sort_key keys[TRIALS];
    size_t n = 0;

    ck_assert_int_eq(
        value_orders_find(&orders, reader, kind, &view, &filter, TRIALS, keys, &n, NULL), 0);
    store_read_end(reader);
    ck_assert_uint_eq(n, wanted);
    return filter.until_seq;
}

START_TEST(those_used_longest_ago_go_when_memory_is_short)
{
    struct value_order_kind kind = {.study = study, .sort = SORT_BY_VALUE};

    for (int i = 0; i < 3; i++) { /* the same order is found again */
        ck_assert_int_eq(find(&kind, 5), 7);
    }
    ck_assert_uint_eq(orders.n, 1);
    ck_assert_uint_gt(orders.bytes, 0);
    orders.bytes = VALUE_ORDERS_BYTES; /* as if others took all of it */
    kind.reverse = true;
    (void)find(&kind, 5);
    ck_assert_uint_eq(orders.n, 1);
    ck_assert_uint_eq(orders.bytes, VALUE_ORDERS_BYTES); /* the older one went, of the same size */
}
END_TEST

/* Any metric's name has an order, and each request looks through them. */
START_TEST(no_more_are_kept_than_are_found_quickly)
{
    struct value_order_kind kind = {.study = study, .sort = SORT_BY_METRIC};

    for (int i = 0; i < 3 * VALUE_ORDERS_MAX; i++) {
        (void)snprintf(kind.metric, sizeof kind.metric, "m%d", i);
        (void)find(&kind, 5);
        ck_assert_uint_le(orders.n, VALUE_ORDERS_MAX);
    }
    ck_assert_uint_eq(orders.n, VALUE_ORDERS_MAX);
}
END_TEST

/* It takes megabytes, which no limit counts, and its study may be gone. */
START_TEST(no_definition_is_kept)
{
    struct value_order_kind kind = {.study = study, .sort = SORT_BY_BEST};

    (void)find(&kind, 6);
    ck_assert_int_eq(atomic_load(&def->holders), 1);
}
END_TEST

/* ---- several readers ---- */

#define READERS 3
#define CHANGES 100

static atomic_bool all_changed;
static pthread_barrier_t beginning;

struct reading {
    struct store *reader;
    bool differs; /* an order was not what a new one is in the same transaction */
};

static bool is_as_made_anew(struct reading *reading, const struct value_order_kind *kind)
{
    OWN(value_order) struct value_order *fresh = value_order_create(kind);
    struct value_filter filter = {.source = -1};
    struct sort_key kept[TRIALS], made[TRIALS];
    size_t n_kept = 0;
    int64_t seq;
    bool same = fresh != NULL
                && value_orders_find(&orders, reading->reader, kind, &view, &filter, TRIALS, kept,
                                     &n_kept, NULL)
                       == 0
                && value_order_update(fresh, reading->reader, &view, &seq, NULL) == 0
                && value_order_find(fresh, &filter, TRIALS, made) == n_kept
                && seq == filter.until_seq;

    for (size_t i = 0; same && i < n_kept; i++) {
        same = kept[i].number == made[i].number;
    }
    store_read_end(reading->reader);
    return same;
}

static void *read_orders(void *argument)
{
    struct reading *reading = argument;

    (void)pthread_barrier_wait(&beginning);
    for (int i = 0; i < 12 || !atomic_load(&all_changed); i++) {
        const struct value_order_kind kind = {.study = study,
                                              .sort = i % 2 == 0 ? SORT_BY_VALUE : SORT_BY_BEST,
                                              .reverse = i % 3 == 0};
        reading->differs = !is_as_made_anew(reading, &kind) || reading->differs;
    }
    return NULL;
}

/* _i 1: as if others took all memory, so that each order goes as soon as nobody uses it. */
START_TEST(readers_at_once_find_what_each_would_find_alone)
{
    struct reading readings[READERS];
    pthread_t threads[READERS];
    char path[DIRECTORY_BYTES];
    uint32_t random = 1;
    int64_t n_trials = 1;

    directory_create(path);
    set_up_in(path);
    orders = (struct value_orders){.bytes = _i == 0 ? 0 : VALUE_ORDERS_BYTES};
    add(1, TRIAL_COMPLETED, 3);
    atomic_store(&all_changed, false);
    ck_assert_int_eq(pthread_barrier_init(&beginning, NULL, READERS + 1), 0);
    for (int i = 0; i < READERS; i++) {
        readings[i] = (struct reading){.reader = NULL};
        ck_assert_int_eq(store_open_reader(store, &readings[i].reader, NULL), 0);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_orders, &readings[i]), 0);
    }
    (void)pthread_barrier_wait(&beginning);
    for (int i = 0; i < CHANGES; i++) {
        change_at_random(&random, &n_trials);
    }
    atomic_store(&all_changed, true);
    for (int i = 0; i < READERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert(!readings[i].differs);
        store_close(readings[i].reader);
    }
    (void)pthread_barrier_destroy(&beginning);
    ck_assert_uint_eq(orders.n, _i == 0 ? 4 : 0);
    value_orders_finish(&orders);
    tear_down();
    directory_remove(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("value_order");
    TCase *order = tcase_create("order");
    TCase *kept = tcase_create("kept");
    TCase *several = tcase_create("several readers");

    tcase_add_checked_fixture(order, set_up, tear_down);
    tcase_add_test(order, finite_values_come_first_in_either_direction);
    tcase_add_test(order, the_filter_chooses_the_trials);
    tcase_add_test(order, a_page_begins_behind_its_place);
    tcase_add_loop_test(order, an_order_that_follows_is_the_same_as_a_new_one, 0, 12);
    tcase_add_test(order, what_no_event_names_is_not_looked_at_again);
    tcase_add_test(order, another_revision_makes_the_order_anew);
    tcase_add_test(order, events_that_were_purged_make_the_order_anew);
    tcase_add_checked_fixture(kept, set_up_orders, tear_down_orders);
    tcase_add_test(kept, those_used_longest_ago_go_when_memory_is_short);
    tcase_add_test(kept, no_more_are_kept_than_are_found_quickly);
    tcase_add_test(kept, no_definition_is_kept);
    tcase_add_loop_test(several, readers_at_once_find_what_each_would_find_alone, 0, 2);
    suite_add_tcase(suite, order);
    suite_add_tcase(suite, kept);
    suite_add_tcase(suite, several);
    return run_suite(suite);
}
