/* The parts of the engine by themselves: its queue, and its pools of readers and optimisers. */
#include "server/engine/parts.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/suggester/suggester.h"
#include "tests/support/directory.h"
#include "tests/support/failing_disk.h"
#include "tests/support/run_suite.h"
#include "tests/unit/tagged_command.h"

static struct fixture {
    char directory[DIRECTORY_BYTES];
    struct err err;
} f;

#define MUST(step) ck_assert_msg((step) == 0, "%s", f.err.text)

static void set_up(void)
{
    f.err = (struct err){0};
    directory_create(f.directory);
}

static void tear_down(void)
{
    directory_remove(f.directory);
}

/* ---- the queue ---- */

static void push(struct queue *queue, enum command_kind kind, int tag)
{
    MUST(queue_push(queue, tagged_command(kind, tag), &f.err));
}

static void expect_refused(struct queue *queue, enum command_kind kind, size_t bytes)
{
    struct command *command = tagged_command(kind, 0);

    command->bytes = bytes;
    ck_assert_int_eq(queue_push(queue, command, &f.err), -1);
    ck_assert_int_eq(f.err.code, ERR_OVERLOADED);
    command_destroy(command);
}

/* The commands that are drained, as their tags; destroys them. */
static void expect_drained(struct queue *queue, size_t max, const char *expected)
{
    struct command *command = queue_drain(queue, max, 0);
    char tags[100] = "";

    while (command != NULL) {
        struct command *next = command->next;
        size_t len = strlen(tags);
        (void)snprintf(tags + len, sizeof tags - len, "%d ", command_tag(command));
        command_destroy(command);
        command = next;
    }
    ck_assert_str_eq(tags, expected);
}

START_TEST(queue_keeps_the_order)
{
    struct queue queue;

    queue_init(&queue);
    for (int tag = 1; tag <= 5; tag++) {
        push(&queue, tag % 2 ? COMMAND_ASK : COMMAND_HEARTBEAT, tag);
    }
    expect_drained(&queue, 2, "1 2 ");
    push(&queue, COMMAND_RESULT, 6);
    expect_drained(&queue, 0, "3 4 5 6 ");
    expect_drained(&queue, 0, "");
    ck_assert_uint_eq(queue_length(&queue), 0);
    push(&queue, COMMAND_RESULT, 7); /* is released with the queue */
    queue_finish(&queue);
}
END_TEST

START_TEST(queue_has_a_limit_that_asks_reach_first)
{
    struct queue queue;
    int n = 0;

    queue_init(&queue);
    for (; n < QUEUE_COMMANDS_MAX / 4 * 3; n++) {
        push(&queue, COMMAND_ASK, n);
    }
    expect_refused(&queue, COMMAND_ASK, 1);
    for (; n < QUEUE_COMMANDS_MAX; n++) {
        push(&queue, COMMAND_RESULT, n);
    }
    expect_refused(&queue, COMMAND_RESULT, 1);
    push(&queue, COMMAND_SUGGESTION, n); /* what the server sends itself is never refused */
    push(&queue, COMMAND_UNSENT, n);
    expect_drained(&queue, 2, "0 1 ");
    expect_refused(&queue, COMMAND_RESULT, 1); /* those two took the places */
    queue_finish(&queue);
}
END_TEST

START_TEST(queue_has_a_limit_of_bytes)
{
    struct queue queue;
    struct command *large = tagged_command(COMMAND_RESULT, 1);

    queue_init(&queue);
    large->bytes = QUEUE_BYTES_MAX - 100;
    MUST(queue_push(&queue, large, &f.err));
    expect_refused(&queue, COMMAND_ASK, 1);
    expect_refused(&queue, COMMAND_RESULT, 101);
    struct command *small = tagged_command(COMMAND_RESULT, 2);
    small->bytes = 100;
    MUST(queue_push(&queue, small, &f.err));
    expect_drained(&queue, 1, "1 "); /* gives its bytes back */
    struct command *again = tagged_command(COMMAND_RESULT, 3);
    again->bytes = QUEUE_BYTES_MAX - 100;
    MUST(queue_push(&queue, again, &f.err));
    expect_refused(&queue, COMMAND_RESULT, 1);
    queue_finish(&queue);
}
END_TEST

START_TEST(closed_queue_takes_no_more)
{
    struct queue queue;

    queue_init(&queue);
    push(&queue, COMMAND_RESULT, 1);
    queue_close(&queue);
    expect_refused(&queue, COMMAND_RESULT, 1);
    expect_refused(&queue, COMMAND_SUGGESTION, 1);
    ck_assert_uint_eq(queue_await(&queue, 9, INT64_C(60) * 1000000), 1); /* does not wait */
    struct command *left = queue_drain(&queue, 0, INT64_MAX);
    ck_assert_ptr_nonnull(left);
    command_destroy(left);
    ck_assert_ptr_null(queue_drain(&queue, 0, INT64_MAX));
    queue_finish(&queue);
}
END_TEST

/* As a reader does that wants a newer view. */
START_TEST(woken_writer_waits_for_no_more)
{
    struct queue queue;

    queue_init(&queue);
    push(&queue, COMMAND_RESULT, 1);
    queue_wake(&queue);
    ck_assert_uint_eq(queue_await(&queue, 9, INT64_C(3600) * 1000000), 1);
    expect_drained(&queue, 0, "1 ");
    queue_finish(&queue);
}
END_TEST

static void *push_three(void *argument)
{
    struct err err;

    for (int tag = 1; tag <= 3; tag++) {
        if (queue_push(argument, command_create(COMMAND_RESULT), &err) != 0) {
            abort();
        }
    }
    return NULL;
}

START_TEST(queue_wakes_who_waits)
{
    struct queue queue;
    pthread_t thread;

    queue_init(&queue);
    ck_assert_int_eq(pthread_create(&thread, NULL, push_three, &queue), 0);
    ck_assert_uint_eq(queue_await(&queue, 3, INT64_C(60) * 1000000), 3);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    struct command *first = queue_drain(&queue, 0, INT64_MAX);
    ck_assert_ptr_nonnull(first);
    while (first != NULL) {
        struct command *next = first->next;
        command_destroy(first);
        first = next;
    }
    queue_wake(&queue);
    ck_assert_ptr_null(queue_drain(&queue, 0, INT64_MAX));
    queue_finish(&queue);
}
END_TEST

/* ---- the readers ---- */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    size_t n_waiting;
    size_t n_done;
};

static void pass_gate(void *argument, struct store *reader)
{
    struct gate *gate = argument;
    int64_t seq;
    struct err err;

    if (store_last_seq(reader, &seq, &err) != 0) {
        abort();
    }
    (void)pthread_mutex_lock(&gate->lock);
    gate->n_waiting++;
    (void)pthread_cond_broadcast(&gate->changed);
    while (!gate->open) {
        (void)pthread_cond_wait(&gate->changed, &gate->lock);
    }
    gate->n_done++;
    (void)pthread_mutex_unlock(&gate->lock);
}

static void wait_at_gate(struct gate *gate, size_t n)
{
    (void)pthread_mutex_lock(&gate->lock);
    while (gate->n_waiting < n) {
        (void)pthread_cond_wait(&gate->changed, &gate->lock);
    }
    (void)pthread_mutex_unlock(&gate->lock);
}

static void open_gate(struct gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    gate->open = true;
    (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->lock);
}

START_TEST(readers_run_all_that_was_queued_before_the_stop)
{
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    const struct store_settings settings = {.directory = f.directory};
    struct store *store = NULL;
    struct readers readers;

    MUST(store_open(&settings, &store, &f.err));
    MUST(readers_start(&readers, store, 2, &f.err));
    MUST(readers_push(&readers, pass_gate, &gate, &f.err));
    MUST(readers_push(&readers, pass_gate, &gate, &f.err));
    wait_at_gate(&gate, 2); /* each in a thread of its own */
    for (int i = 0; i < JOBS_MAX; i++) {
        MUST(readers_push(&readers, pass_gate, &gate, &f.err));
    }
    ck_assert_int_eq(readers_push(&readers, pass_gate, &gate, &f.err), -1);
    ck_assert_int_eq(f.err.code, ERR_OVERLOADED);
    open_gate(&gate);
    readers_stop(&readers);
    ck_assert_uint_eq(gate.n_done, JOBS_MAX + 2);
    f.err.code = ERR_NONE;
    ck_assert_int_eq(readers_push(&readers, pass_gate, &gate, &f.err), -1); /* a wait that ends */
    ck_assert_int_eq(f.err.code, ERR_OVERLOADED);
    readers_finish(&readers);
    store_close(store);
}
END_TEST

/* ---- the optimisers ---- */

static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    (void)study;
    (void)seen;
    (void)out;
    return err_set(err, ERR_EXHAUSTED, "%d", (int)ordinal);
}

static const struct strategy exhausted = {.name = "exhausted", .suggest = suggest};

static struct suggestion_job *new_job(uint64_t ordinal)
{
    struct suggestion_job *job = calloc(1, sizeof *job);

    ck_assert_ptr_nonnull(job);
    job->def = shared_def_create(NULL);
    job->strategy = &exhausted;
    job->ordinal = ordinal;
    return job;
}

START_TEST(optimisers_bring_each_result_back)
{
    struct optimisers optimisers;
    struct histogram durations = {0};
    struct queue queue;
    bool seen[21] = {false};
    size_t n = 0;

    queue_init(&queue);
    MUST(optimisers_start(&optimisers, &queue, &durations, 3, &f.err));
    for (uint64_t ordinal = 1; ordinal <= 20; ordinal++) {
        optimisers_push(&optimisers, new_job(ordinal));
    }
    while (n < 20) {
        struct command *command = queue_drain(&queue, 1, INT64_MAX);
        ck_assert_ptr_nonnull(command);
        ck_assert_int_eq(command->kind, COMMAND_SUGGESTION);
        const struct suggestion_job *job = as_suggestion(command)->in.job;
        ck_assert_int_eq(job->result, -1);
        ck_assert_int_eq(job->err.code, ERR_EXHAUSTED);
        ck_assert(!seen[job->ordinal]);
        seen[job->ordinal] = true;
        command_destroy(command);
        n++;
    }
    unsigned long long n_timed = 0;
    for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        n_timed += atomic_load(&durations.counts[i]);
    }
    ck_assert_uint_eq(n_timed, 20);
    for (uint64_t ordinal = 1; ordinal <= 20; ordinal++) { /* begun or not: none is lost */
        optimisers_push(&optimisers, new_job(ordinal));
    }
    queue_close(&queue);
    optimisers_stop(&optimisers);
    optimisers_finish(&optimisers);
    queue_finish(&queue);
}
END_TEST

/* ---- jobs of requests, on one thread ---- */

enum { REQUESTS = 10, SHORT_STEPS = 2, LONG_STEPS = 30 };

/* Jobs of requests: the steps that were run of all, and of which when each one was over. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open; /* until then the first step waits */
    unsigned n_steps, n_ended;
    struct counted_job {
        struct request_job head; /* first */
        unsigned wanted, done;
        unsigned steps_at_end; /* of all jobs */
        unsigned place;        /* among those that were over, from 1 */
    } jobs[REQUESTS];
} requests;

static bool count_step(struct request_job *head, const atomic_bool *stop)
{
    struct counted_job *job = (struct counted_job *)head;

    (void)stop;
    (void)pthread_mutex_lock(&requests.lock);
    while (!requests.is_open) {
        (void)pthread_cond_wait(&requests.changed, &requests.lock);
    }
    requests.n_steps++;
    (void)pthread_mutex_unlock(&requests.lock);
    return ++job->done < job->wanted;
}

static void count_end(struct request_job *head, const struct err *why)
{
    struct counted_job *job = (struct counted_job *)head;

    (void)pthread_mutex_lock(&requests.lock);
    ck_assert_ptr_null(why);
    job->steps_at_end = requests.n_steps;
    job->place = ++requests.n_ended;
    (void)pthread_cond_broadcast(&requests.changed);
    (void)pthread_mutex_unlock(&requests.lock);
}

START_TEST(requests_that_are_too_many_are_not_all_late)
{
    struct optimisers optimisers;
    struct histogram durations = {0};
    struct queue queue;
    struct err err;

    memset(&requests, 0, sizeof requests);
    (void)pthread_mutex_init(&requests.lock, NULL);
    (void)pthread_cond_init(&requests.changed, NULL);
    queue_init(&queue);
    MUST(optimisers_start(&optimisers, &queue, &durations, 1, &f.err));
    for (size_t i = 0; i < REQUESTS; i++) {
        struct counted_job *job = &requests.jobs[i];
        job->head = (struct request_job){.step = count_step, .end = count_end};
        job->wanted = i == REQUESTS - 1 ? SHORT_STEPS : LONG_STEPS;
        ck_assert_int_eq(optimisers_push_request(&optimisers, &job->head, &err), 0);
    }
    (void)pthread_mutex_lock(&requests.lock);
    requests.is_open = true;
    (void)pthread_cond_broadcast(&requests.changed);
    while (requests.n_ended < REQUESTS) {
        (void)pthread_cond_wait(&requests.changed, &requests.lock);
    }
    (void)pthread_mutex_unlock(&requests.lock);
    /* The short one is done before any long one, although it came last; and with each long one's
     * worth of steps another long one is done, instead of all of them at the end. */
    ck_assert_uint_eq(requests.jobs[REQUESTS - 1].place, 1);
    for (size_t i = 0; i < REQUESTS - 1; i++) {
        ck_assert_uint_eq(requests.jobs[i].place, i + 2);
        ck_assert_uint_le(requests.jobs[i].steps_at_end,
                          (i + 1) * LONG_STEPS + REQUESTS * REQUEST_STEPS_SHORT);
    }
    queue_close(&queue);
    optimisers_stop(&optimisers);
    optimisers_finish(&optimisers);
    queue_finish(&queue);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_parts");
    TCase *queue = tcase_create("queue");
    TCase *pools = tcase_create("pools");

    failing_disk_start();
    tcase_add_test(queue, queue_keeps_the_order);
    tcase_add_test(queue, queue_has_a_limit_that_asks_reach_first);
    tcase_add_test(queue, queue_has_a_limit_of_bytes);
    tcase_add_test(queue, closed_queue_takes_no_more);
    tcase_add_test(queue, woken_writer_waits_for_no_more);
    tcase_add_test(queue, queue_wakes_who_waits);
    tcase_add_checked_fixture(pools, set_up, tear_down);
    tcase_add_test(pools, readers_run_all_that_was_queued_before_the_stop);
    tcase_add_test(pools, optimisers_bring_each_result_back);
    tcase_add_test(pools, requests_that_are_too_many_are_not_all_late);
    suite_add_tcase(suite, queue);
    suite_add_tcase(suite, pools);
    return run_suite(suite);
}
