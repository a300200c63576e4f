/* The engine alone: its queue, its pools of threads, its groups, and its stop. */
#include "server/engine/engine.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/engine/parts.h"
#include "server/engine/writer.h"
#include "server/store/tokens.h"
#include "server/suggester/suggester.h"
#include "tests/support/directory.h"
#include "tests/support/failing_disk.h"
#include "tests/support/run_suite.h"

#define ANSWERS_MAX 64

/* The engine's answers, in order. */
static struct fixture {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char directory[DIRECTORY_BYTES];
    struct engine *engine;
    struct err err;
    size_t n_answers;
    int tags[ANSWERS_MAX];
    enum err_code codes[ANSWERS_MAX];
    size_t n_tokens;                          /* as last published */
    size_t tokens_when_answered[ANSWERS_MAX]; /* n_tokens as each answer left */
    int64_t last_seq;
} f;

#define MUST(step) ck_assert_msg((step) == 0, "%s", f.err.text)

/* What a command carries for the api comes back as it was. */
static char origins[QUEUE_COMMANDS_MAX + 1];

static int tag_of(const struct command *command)
{
    return (int)((const char *)command->origin - origins);
}

static void deliver(void *context, struct command *const commands[], size_t n)
{
    (void)context;
    (void)pthread_mutex_lock(&f.lock);
    for (size_t i = 0; i < n && f.n_answers < ANSWERS_MAX; i++) {
        f.tags[f.n_answers] = tag_of(commands[i]);
        f.codes[f.n_answers] = commands[i]->err.code;
        f.tokens_when_answered[f.n_answers++] = f.n_tokens;
        command_destroy(commands[i]);
    }
    (void)pthread_cond_signal(&f.changed);
    (void)pthread_mutex_unlock(&f.lock);
}

static void tokens(void *context, const struct token_row rows[], size_t n)
{
    (void)context;
    (void)rows;
    (void)pthread_mutex_lock(&f.lock);
    f.n_tokens = n;
    (void)pthread_mutex_unlock(&f.lock);
}

static void events(void *context, int64_t last_seq)
{
    (void)context;
    (void)pthread_mutex_lock(&f.lock);
    f.last_seq = last_seq;
    (void)pthread_mutex_unlock(&f.lock);
}

static void wait_for_answers(size_t n)
{
    (void)pthread_mutex_lock(&f.lock);
    while (f.n_answers < n) {
        (void)pthread_cond_wait(&f.changed, &f.lock);
    }
    (void)pthread_mutex_unlock(&f.lock);
}

static struct engine_settings settings_now(void)
{
    return (struct engine_settings){.clock = clock_system(),
                                    .clock_scale = 1,
                                    .directory = f.directory,
                                    .deliver = deliver,
                                    .tokens = tokens,
                                    .events = events};
}

static void begin(void)
{
    const struct engine_settings settings = settings_now();

    MUST(engine_create(&settings, &f.engine, &f.err));
    MUST(engine_start(f.engine, &f.err));
}

static void set_up(void)
{
    f = (struct fixture){.n_answers = 0};
    (void)pthread_mutex_init(&f.lock, NULL);
    (void)pthread_cond_init(&f.changed, NULL);
    directory_create(f.directory);
}

static void tear_down(void)
{
    engine_destroy(f.engine);
    directory_remove(f.directory);
    (void)pthread_cond_destroy(&f.changed);
    (void)pthread_mutex_destroy(&f.lock);
}

static struct command *command_of(enum command_kind kind, int tag)
{
    struct command *command = command_create(kind);

    ck_assert_ptr_nonnull(command);
    command->origin = origins + tag;
    return command;
}

static struct command *new_token(int tag)
{
    struct command *command = command_of(COMMAND_TOKEN_CREATE, tag);

    struct token_row *token = &as_token_create(command)->in.token;
    (void)snprintf(token->id, sizeof token->id, "t_%d", tag);
    (void)snprintf(token->name, sizeof token->name, "laptop");
    token->scopes = 1;
    return command;
}

static void submit(struct command *command)
{
    MUST(engine_submit(f.engine, command, &f.err));
}

/* ---- the queue ---- */

static void push(struct queue *queue, enum command_kind kind, int tag)
{
    MUST(queue_push(queue, command_of(kind, tag), &f.err));
}

static void expect_refused(struct queue *queue, enum command_kind kind, size_t bytes)
{
    struct command *command = command_of(kind, 0);

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
        (void)snprintf(tags + len, sizeof tags - len, "%d ", tag_of(command));
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
    struct command *large = command_of(COMMAND_RESULT, 1);

    queue_init(&queue);
    large->bytes = QUEUE_BYTES_MAX - 100;
    MUST(queue_push(&queue, large, &f.err));
    expect_refused(&queue, COMMAND_ASK, 1);
    expect_refused(&queue, COMMAND_RESULT, 101);
    struct command *small = command_of(COMMAND_RESULT, 2);
    small->bytes = 100;
    MUST(queue_push(&queue, small, &f.err));
    expect_drained(&queue, 1, "1 "); /* gives its bytes back */
    struct command *again = command_of(COMMAND_RESULT, 3);
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

/* ---- the whole ---- */

START_TEST(answers_leave_in_order_after_what_they_changed)
{
    begin();
    for (int tag = 0; tag < 20; tag++) {
        submit(tag % 4 == 3 ? command_of(COMMAND_HEARTBEAT, tag) : new_token(tag));
    }
    wait_for_answers(20);
    engine_stop(f.engine, 1000);
    size_t n_tokens = 0;
    for (int tag = 0; tag < 20; tag++) {
        bool is_refused = tag % 4 == 3; /* there is no such lease */
        n_tokens += !is_refused;
        ck_assert_int_eq(f.tags[tag], tag);
        ck_assert_int_eq(f.codes[tag] != ERR_NONE, is_refused);
        ck_assert_uint_ge(f.tokens_when_answered[tag], n_tokens);
    }
    ck_assert_uint_eq(f.n_tokens, 15);
    ck_assert_int_eq(f.last_seq, 15);
    struct engine_stats stats;
    engine_stats(f.engine, &stats);
    ck_assert_uint_eq(stats.commands, 20);
    ck_assert_uint_ge(stats.commits, 1);
    ck_assert_uint_le(stats.commits, 20);
}
END_TEST

START_TEST(group_that_finds_no_space_is_undone_and_the_next_one_is_not)
{
    begin();
    submit(new_token(0));
    wait_for_answers(1);
    failing_disk_fail_at(1, true, DISK_FULL);
    submit(new_token(1));
    wait_for_answers(2);
    submit(new_token(1)); /* tried again: only the disk knows whether there is space by now */
    wait_for_answers(3);
    failing_disk_stop();
    ck_assert_int_eq(f.codes[1], ERR_STORAGE_FULL);
    ck_assert_int_eq(f.codes[2], ERR_STORAGE_FULL);
    ck_assert_uint_eq(f.tokens_when_answered[1], 1);
    ck_assert(!engine_is_read_only(f.engine));
    submit(new_token(1)); /* the request is repeated */
    wait_for_answers(4);
    ck_assert_int_eq(f.codes[3], ERR_NONE);
    engine_stop(f.engine, 1000);
    ck_assert_uint_eq(f.n_tokens, 2);
    ck_assert_int_eq(f.last_seq, 2);
}
END_TEST

/* Without any request: the writer looks every second. */
START_TEST(space_on_a_disk_that_was_full_is_noticed)
{
    begin();
    failing_disk_fail_at(1, true, DISK_FULL);
    submit(new_token(0));
    wait_for_answers(1);
    ck_assert_int_eq(engine_check_writes(f.engine, &f.err), -1);
    failing_disk_fail_at(1, true, DISK_FULL); /* counts anew */
    while (!failing_disk_has_failed()) {      /* until it has looked in vain */
        (void)sched_yield();
    }
    ck_assert_int_eq(engine_check_writes(f.engine, &f.err), -1);
    failing_disk_stop();
    while (engine_check_writes(f.engine, &f.err) != 0) {
        (void)sched_yield();
    }
    submit(new_token(0));
    wait_for_answers(2);
    ck_assert_int_eq(f.codes[1], ERR_NONE);
    engine_stop(f.engine, 1000);
}
END_TEST

START_TEST(process_ends_when_a_commit_is_unknown)
{
    begin();
    failing_disk_fail_at(1, true, DISK_BROKEN);
    submit(new_token(0));
    wait_for_answers(1); /* never comes */
}
END_TEST

static void note_tokens(void *argument, struct store *reader)
{
    struct gate *gate = argument;
    int64_t seq = 0;
    struct err err;

    if (store_last_seq(reader, &seq, &err) != 0) {
        abort();
    }
    (void)pthread_mutex_lock(&gate->lock);
    gate->n_done = (size_t)seq;
    gate->n_waiting = 1;
    (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->lock);
}

START_TEST(reader_sees_what_was_answered)
{
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

    begin();
    submit(new_token(0));
    wait_for_answers(1);
    MUST(engine_read(f.engine, note_tokens, &gate, &f.err));
    wait_at_gate(&gate, 1);
    ck_assert_uint_eq(gate.n_done, 1);
    struct live_view *view = engine_view(f.engine);
    ck_assert_ptr_nonnull(view);
    live_view_release(view);
    engine_stop(f.engine, 1000);
}
END_TEST

START_TEST(orderly_stop_answers_all_and_is_noted)
{
    const struct engine_settings settings = settings_now();
    struct engine *other = NULL;

    begin();
    ck_assert_int_eq(engine_create(&settings, &other, &f.err), -1); /* one a directory */
    ck_assert_int_eq(f.err.code, ERR_OVERLOADED);
    for (int tag = 0; tag < 30; tag++) {
        submit(new_token(tag));
    }
    engine_stop(f.engine, 1000);
    ck_assert_uint_eq(f.n_answers, 30);
    struct command *late = new_token(30);
    ck_assert_int_eq(engine_submit(f.engine, late, &f.err), -1);
    ck_assert_int_eq(f.err.code, ERR_OVERLOADED);
    command_destroy(late);
    engine_destroy(f.engine);
    f.engine = NULL;
    MUST(engine_create(&settings, &f.engine, &f.err));
    ck_assert(store_was_clean(f.engine->store));
    ck_assert(engine_has_token(f.engine, 1, true));
}
END_TEST

/* ---- when tokens were used ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_new;      /* token 0 was used at 77 */
    unsigned n_after; /* calls since that was taken */
} use = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static size_t take_use(void *context, struct token_use uses[], size_t max)
{
    size_t n = 0;

    (void)context;
    ck_assert_uint_gt(max, 0);
    (void)pthread_mutex_lock(&use.lock);
    if (use.is_new) {
        use.is_new = false;
        n = 1;
        (void)snprintf(uses[0].id, sizeof uses[0].id, "t_0");
        uses[0].at_ms = 77;
    } else {
        use.n_after++;
        (void)pthread_cond_signal(&use.changed);
    }
    (void)pthread_mutex_unlock(&use.lock);
    return n;
}

static int see_use(void *context, const struct token_row *row, struct err *err)
{
    int64_t *used_at_ms = context;

    (void)err;
    *used_at_ms = row->used_at_ms;
    return 0;
}

static void use_token(void)
{
    (void)pthread_mutex_lock(&use.lock);
    use.is_new = true;
    use.n_after = 0;
    (void)pthread_mutex_unlock(&use.lock);
}

/* Each time without any command: the writer looks by itself. */
START_TEST(uses_of_tokens_are_kept_from_time_to_time)
{
    struct engine_settings settings = settings_now();
    int64_t used_at_ms = 0;

    settings.token_uses = take_use;
    settings.token_uses_every_ms = 1;
    MUST(engine_create(&settings, &f.engine, &f.err));
    MUST(engine_start(f.engine, &f.err));
    submit(new_token(0));
    wait_for_answers(1);
    use_token();
    (void)pthread_mutex_lock(&use.lock);
    while (use.n_after == 0) {
        (void)pthread_cond_wait(&use.changed, &use.lock);
    }
    (void)pthread_mutex_unlock(&use.lock);
    engine_stop(f.engine, 1000);
    MUST(store_each_token(f.engine->store, see_use, &used_at_ms, &f.err));
    ck_assert_int_eq(used_at_ms, 77);
}
END_TEST

START_TEST(uses_of_tokens_are_kept_at_the_stop)
{
    struct engine_settings settings = settings_now();
    int64_t used_at_ms = 0;

    settings.token_uses = take_use;
    MUST(engine_create(&settings, &f.engine, &f.err));
    MUST(engine_start(f.engine, &f.err));
    submit(new_token(0));
    wait_for_answers(1);
    use_token();
    engine_stop(f.engine, 1000);
    MUST(store_each_token(f.engine->store, see_use, &used_at_ms, &f.err));
    ck_assert_int_eq(used_at_ms, 77);
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

START_TEST(views_take_a_twentieth_of_the_time_at_most)
{
    ck_assert_int_eq(view_interval_ms(0), 100);
    ck_assert_int_eq(view_interval_ms(5000), 100);
    ck_assert_int_eq(view_interval_ms(12000), 240);
    ck_assert_int_eq(view_interval_ms(900000), 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *queue = tcase_create("queue");
    TCase *pools = tcase_create("pools");
    TCase *whole = tcase_create("whole");
    TCase *end = tcase_create("end");

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
    tcase_add_checked_fixture(whole, set_up, tear_down);
    tcase_add_test(whole, answers_leave_in_order_after_what_they_changed);
    tcase_add_test(whole, group_that_finds_no_space_is_undone_and_the_next_one_is_not);
    tcase_add_test(whole, space_on_a_disk_that_was_full_is_noticed);
    tcase_add_test(whole, reader_sees_what_was_answered);
    tcase_add_test(whole, views_take_a_twentieth_of_the_time_at_most);
    tcase_add_test(whole, orderly_stop_answers_all_and_is_noted);
    tcase_add_test(whole, uses_of_tokens_are_kept_from_time_to_time);
    tcase_add_test(whole, uses_of_tokens_are_kept_at_the_stop);
    /* Its process does not come to its own end: the directory is the parent's. */
    tcase_add_unchecked_fixture(end, set_up, tear_down);
    tcase_add_test_raise_signal(end, process_ends_when_a_commit_is_unknown, SIGABRT);
    suite_add_tcase(suite, end);
    suite_add_tcase(suite, queue);
    suite_add_tcase(suite, pools);
    suite_add_tcase(suite, whole);
    return run_suite(suite);
}
