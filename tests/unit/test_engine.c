/* The engine as a whole: what it answers and when, what a full or broken disk does to it, what its
 * readers see, and its stop. */
#include "server/engine/engine.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/engine/parts.h"
#include "server/engine/writer.h"
#include "server/store/tokens.h"
#include "tests/support/directory.h"
#include "tests/support/failing_disk.h"
#include "tests/support/run_suite.h"
#include "tests/unit/tagged_command.h"

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
    int64_t read_seq; /* by a reader; -1: not yet */
} f;

#define MUST(step) ck_assert_msg((step) == 0, "%s", f.err.text)

static void deliver(void *context, struct command *const commands[], size_t n)
{
    (void)context;
    (void)pthread_mutex_lock(&f.lock);
    for (size_t i = 0; i < n && f.n_answers < ANSWERS_MAX; i++) {
        f.tags[f.n_answers] = command_tag(commands[i]);
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
    f = (struct fixture){.read_seq = -1};
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

static struct command *new_token(int tag)
{
    struct command *command = tagged_command(COMMAND_TOKEN_CREATE, tag);

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

START_TEST(answers_leave_in_order_after_what_they_changed)
{
    begin();
    for (int tag = 0; tag < 20; tag++) {
        submit(tag % 4 == 3 ? tagged_command(COMMAND_HEARTBEAT, tag) : new_token(tag));
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

static void write_as_another_server(void)
{
    const struct store_settings settings = {.directory = f.directory};
    struct store *other = NULL;

    MUST(store_open(&settings, &other, &f.err));
    MUST(store_begin_run(other, &f.err));
    store_close(other);
}

START_TEST(nothing_is_written_beside_another_server)
{
    begin();
    submit(new_token(0));
    wait_for_answers(1);
    write_as_another_server();
    submit(new_token(1));
    wait_for_answers(2);
    ck_assert_int_eq(f.codes[0], ERR_NONE);
    ck_assert_int_eq(f.codes[1], ERR_READ_ONLY);
    ck_assert(engine_is_read_only(f.engine));
    engine_stop(f.engine, 1000);
    ck_assert_uint_eq(f.n_tokens, 1);
}
END_TEST

/* The look whether there is space is a write, too. */
START_TEST(another_server_is_noticed_on_a_disk_that_was_full)
{
    begin();
    failing_disk_fail_at(1, true, DISK_FULL);
    submit(new_token(0));
    wait_for_answers(1);
    failing_disk_stop();
    write_as_another_server();
    while (!engine_is_read_only(f.engine) && engine_check_writes(f.engine, &f.err) != 0) {
        (void)sched_yield();
    }
    if (!engine_is_read_only(f.engine)) { /* it looked before the other one wrote */
        submit(new_token(1));
        wait_for_answers(2);
        ck_assert_int_eq(f.codes[1], ERR_READ_ONLY);
    }
    ck_assert(engine_is_read_only(f.engine));
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

static void read_seq(void *argument, struct store *reader)
{
    int64_t seq = 0;
    struct err err;

    (void)argument;
    if (store_last_seq(reader, &seq, &err) != 0) {
        abort();
    }
    (void)pthread_mutex_lock(&f.lock);
    f.read_seq = seq;
    (void)pthread_cond_signal(&f.changed);
    (void)pthread_mutex_unlock(&f.lock);
}

START_TEST(reader_sees_what_was_answered)
{
    begin();
    submit(new_token(0));
    wait_for_answers(1);
    MUST(engine_read(f.engine, read_seq, NULL, &f.err));
    (void)pthread_mutex_lock(&f.lock);
    while (f.read_seq < 0) {
        (void)pthread_cond_wait(&f.changed, &f.lock);
    }
    (void)pthread_mutex_unlock(&f.lock);
    ck_assert_int_eq(f.read_seq, 1);
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
    TCase *whole = tcase_create("whole");
    TCase *end = tcase_create("end");

    failing_disk_start();
    tcase_add_checked_fixture(whole, set_up, tear_down);
    tcase_add_test(whole, answers_leave_in_order_after_what_they_changed);
    tcase_add_test(whole, group_that_finds_no_space_is_undone_and_the_next_one_is_not);
    tcase_add_test(whole, space_on_a_disk_that_was_full_is_noticed);
    tcase_add_test(whole, nothing_is_written_beside_another_server);
    tcase_add_test(whole, another_server_is_noticed_on_a_disk_that_was_full);
    tcase_add_test(whole, reader_sees_what_was_answered);
    tcase_add_test(whole, views_take_a_twentieth_of_the_time_at_most);
    tcase_add_test(whole, orderly_stop_answers_all_and_is_noted);
    tcase_add_test(whole, uses_of_tokens_are_kept_from_time_to_time);
    tcase_add_test(whole, uses_of_tokens_are_kept_at_the_stop);
    /* Its process does not come to its own end: the directory is the parent's. */
    tcase_add_unchecked_fixture(end, set_up, tear_down);
    tcase_add_test_raise_signal(end, process_ends_when_a_commit_is_unknown, SIGABRT);
    suite_add_tcase(suite, end);
    suite_add_tcase(suite, whole);
    return run_suite(suite);
}
