/* What the engine does with a group that fails, at each of its SQL statements, and with groups that
 * are many, or large, or late. In memory: no other thread runs a statement meanwhile. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/engine/engine.h"
#include "server/engine/parts.h"
#include "server/store/tokens.h"
#include "tests/support/failing_statements.h"
#include "tests/support/run_suite.h"
#include "tests/unit/tagged_command.h"

#define ANSWERS_MAX 512

static struct fixture {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct engine *engine;
    size_t n_answers;
    enum err_code codes[ANSWERS_MAX];
    int tags[ANSWERS_MAX];
    size_t n_batches;
    int64_t pretended_commit_us; /* 0: as it is */
    size_t n_tokens;             /* as last published */
    size_t n_times_without;      /* that none was published */
    size_t n_uses_taken, n_uses_again;
    bool were_uses_lost;     /* a group that was refused had taken some, and they were not told */
    bool was_published_late; /* an answer left before the tokens that it is about */
} f = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void deliver(void *context, struct command *const commands[], size_t n)
{
    (void)context;
    (void)pthread_mutex_lock(&f.lock);
    f.n_batches++;
    f.were_uses_lost |= commands[0]->err.code != ERR_NONE && f.n_uses_again < f.n_uses_taken;
    for (size_t i = 0; i < n; i++) {
        f.tags[f.n_answers] = command_tag(commands[i]);
        f.codes[f.n_answers++] = commands[i]->err.code;
        /* None is valid where they could not be read. */
        f.was_published_late |= commands[i]->err.code == ERR_NONE && f.n_tokens > 0
                                && f.n_tokens <= (size_t)f.tags[f.n_answers - 1];
        command_destroy(commands[i]);
    }
    if (f.pretended_commit_us > 0) {
        atomic_store(&f.engine->last_commit_us, f.pretended_commit_us);
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
    f.n_times_without += n == 0;
    (void)pthread_cond_signal(&f.changed);
    (void)pthread_mutex_unlock(&f.lock);
}

/* Sooner or later, without any further command. */
static void wait_for_tokens(size_t n)
{
    (void)pthread_mutex_lock(&f.lock);
    while (f.n_tokens != n) {
        (void)pthread_cond_wait(&f.changed, &f.lock);
    }
    (void)pthread_mutex_unlock(&f.lock);
}

static void events(void *context, int64_t last_seq)
{
    (void)context;
    (void)last_seq;
}

/* One use each time that they are asked for, which is when tokens change. */
static size_t token_uses(void *context, struct token_use uses[], size_t max)
{
    static bool is_taken;

    (void)context;
    is_taken = !is_taken && max > 0;
    if (is_taken) {
        uses[0] = (struct token_use){.id = "t_0", .at_ms = 77};
        f.n_uses_taken++;
    }
    return is_taken ? 1 : 0;
}

static void token_uses_again(void *context)
{
    (void)context;
    f.n_uses_again++;
}

static void create(size_t group_max)
{
    const struct engine_settings settings = {.clock = clock_system(),
                                             .clock_scale = 1,
                                             .group_max = group_max,
                                             .deliver = deliver,
                                             .tokens = tokens,
                                             .token_uses = token_uses,
                                             .token_uses_again = token_uses_again,
                                             .events = events};
    struct err err = {0};

    ck_assert_msg(engine_create(&settings, &f.engine, &err) == 0, "%s", err.text);
}

static void start(void)
{
    struct err err = {0};

    ck_assert_msg(engine_start(f.engine, &err) == 0, "%s", err.text);
}

/* Commands may come before the writer runs: so they are in one group. */
static void submit(int tag)
{
    struct command *command = tagged_command(COMMAND_TOKEN_CREATE, tag);
    struct err err = {0};

    command->has_key = true; /* without `render` its reply is not kept */
    command->key[0] = (unsigned char)(1 + tag % 255);
    struct token_row *token = &as_token_create(command)->in.token;
    (void)snprintf(token->id, sizeof token->id, "t_%d", tag);
    (void)snprintf(token->name, sizeof token->name, "laptop");
    token->scopes = 1;
    ck_assert_msg(engine_submit(f.engine, command, &err) == 0, "%s", err.text);
}

static void wait_for_answers(size_t n)
{
    (void)pthread_mutex_lock(&f.lock);
    while (f.n_answers < n) {
        (void)pthread_cond_wait(&f.changed, &f.lock);
    }
    (void)pthread_mutex_unlock(&f.lock);
}

static void end(void)
{
    engine_stop(f.engine, 1000);
    engine_destroy(f.engine);
}

static size_t count_answers(enum err_code code)
{
    size_t n = 0;

    for (size_t i = 0; i < f.n_answers; i++) {
        n += f.codes[i] == code;
    }
    return n;
}

/* ---- each statement fails once ---- */

enum ending { CARRIED_OUT, REFUSED, WRONG, NOT_REACHED };

/* Three commands in one group, whose k-th statement fails with `rc`; and one more afterwards. */
static enum ending run_group(int rc, size_t k)
{
    create(0);
    for (int tag = 0; tag < 3; tag++) {
        submit(tag);
    }
    statement_fail_with(rc);
    statement_fail_at(k);
    start();
    wait_for_answers(3);
    bool has_failed = statement_has_failed();
    statement_fail_at(0);
    size_t n_done = count_answers(ERR_NONE);
    if (n_done != 0 && n_done != 3) {
        return WRONG; /* a group is kept whole or not at all */
    }
    if (f.were_uses_lost) {
        return WRONG;
    }
    wait_for_tokens(n_done);
    if (engine_is_read_only(f.engine)) {
        end();
        return rc != SQLITE_CORRUPT ? WRONG : n_done == 0 ? REFUSED : CARRIED_OUT;
    }
    submit(3);
    wait_for_answers(4);
    wait_for_tokens(n_done + 1);
    bool is_well = f.codes[3] == ERR_NONE && !(n_done == 3 && f.was_published_late);
    end();
    return !is_well ? WRONG : !has_failed ? NOT_REACHED : n_done == 3 ? CARRIED_OUT : REFUSED;
}

static const struct {
    int rc;
    bool may_abort; /* where a commit is in doubt */
} failures[] = {
    {SQLITE_IOERR, true}, {SQLITE_FULL, false}, {SQLITE_CORRUPT, false}, {SQLITE_BUSY, false}};

/* Each in a process of its own: where it is unknown what is on disk, that one ends. */
START_TEST(a_group_is_kept_whole_or_refused_whatever_fails)
{
    enum ending ending = REFUSED;
    size_t n[NOT_REACHED + 1] = {0};
    size_t n_aborts = 0;

    for (size_t k = 1; ending != NOT_REACHED; k++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            _exit((int)run_group(failures[_i].rc, k));
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status)) {
            ck_assert_int_eq(WTERMSIG(status), SIGABRT);
            ck_assert_msg(failures[_i].may_abort, "aborted at statement %zu", k);
            n_aborts++;
            continue;
        }
        ending = (enum ending)WEXITSTATUS(status);
        ck_assert_msg(ending != WRONG, "statement %zu", k);
        n[ending]++;
    }
    ck_assert_uint_gt(n[REFUSED], 5);
    ck_assert_uint_le(n_aborts, 3); /* the commit, and what is read back after a failure */
}
END_TEST

/* ---- many, large, late ---- */

START_TEST(answers_of_a_large_group_leave_in_order_and_in_batches)
{
    create(0);
    for (int tag = 0; tag < 300; tag++) {
        submit(tag);
    }
    start();
    wait_for_answers(300);
    ck_assert_uint_eq(f.n_batches, 2);
    for (int tag = 0; tag < 300; tag++) {
        ck_assert_int_eq(f.tags[tag], tag);
    }
    end();
}
END_TEST

static void ask(int tag)
{
    struct command *command = tagged_command(COMMAND_ASK, tag);
    struct err err = {0};

    (void)snprintf(as_ask(command)->in.ask.worker, sizeof as_ask(command)->in.ask.worker, "w");
    ck_assert_int_eq(engine_submit(f.engine, command, &err), 0);
}

/* The stop waits for all groups that there are still to be, and hands nothing out any more. */
START_TEST(a_stop_carries_out_all_that_was_taken)
{
    create(1);
    for (int tag = 0; tag < 20; tag++) {
        submit(tag);
    }
    ask(20);
    submit(21);
    atomic_store(&f.engine->stopping, true);
    start();
    engine_stop(f.engine, 1000);
    ck_assert_uint_eq(count_answers(ERR_NONE), 21);
    ck_assert_int_eq(f.codes[20], ERR_OVERLOADED);
    ck_assert_uint_eq(f.n_batches, 22);
    engine_destroy(f.engine);
}
END_TEST

/* What waits in the queue when damage is found is answered so, too. */
START_TEST(after_damage_all_that_waits_is_refused)
{
    create(1);
    for (int tag = 0; tag < 20; tag++) {
        submit(tag);
    }
    statement_fail_with(SQLITE_CORRUPT);
    statement_fail_at(2);
    start();
    wait_for_answers(20);
    ck_assert_uint_eq(count_answers(ERR_READ_ONLY), 20);
    ck_assert(engine_is_read_only(f.engine));
    struct command *late = command_create(COMMAND_TOKEN_CREATE);
    struct err err = {0};
    ck_assert_int_eq(engine_submit(f.engine, late, &err), -1);
    ck_assert_int_eq(err.code, ERR_READ_ONLY);
    command_destroy(late);
    end();
}
END_TEST

/* After a slow commit the writer waits for those who were answered, unless they do not come. */
START_TEST(a_slow_commit_is_worth_waiting_for_others_while_they_come)
{
    create(2);
    f.engine->gain = 1;
    f.pretended_commit_us = _i == 0 ? 2000 : 100000;
    for (int tag = 0; tag < 200; tag++) {
        submit(tag);
    }
    start();
    wait_for_answers(200);
    engine_stop(f.engine, 1000);
    ck_assert_double_lt(f.engine->gain, 0.5);
    ck_assert_uint_gt(f.engine->probe, 0); /* it has not waited each time */
    ck_assert_uint_eq(count_answers(ERR_NONE), 200);
    engine_destroy(f.engine);
}
END_TEST

/* ---- no memory, and a state that cannot be read back ---- */

/* The next call of each fails so; the linker puts them before the real ones (meson.build). */
static struct {
    atomic_bool view, settle, tokens, load;
    atomic_bool is_damaged; /* what the load finds */
} fails;

int __real_tuning_view(const struct tuning *tuning, struct live_view **view, struct err *err);
int __wrap_tuning_view(const struct tuning *tuning, struct live_view **view, struct err *err);
int __real_tuning_settle(struct tuning *tuning, struct err *err);
int __wrap_tuning_settle(struct tuning *tuning, struct err *err);
int __real_tuning_load(struct tuning *tuning, struct err *err);
int __wrap_tuning_load(struct tuning *tuning, struct err *err);
int __real_array_reserve(void *items, size_t n, size_t *cap, size_t size, struct err *err);
int __wrap_array_reserve(void *items, size_t n, size_t *cap, size_t size, struct err *err);

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory");
}

int __wrap_tuning_view(const struct tuning *tuning, struct live_view **view, struct err *err)
{
    return atomic_exchange(&fails.view, false) ? no_memory(err)
                                               : __real_tuning_view(tuning, view, err);
}

int __wrap_tuning_settle(struct tuning *tuning, struct err *err)
{
    return atomic_exchange(&fails.settle, false) ? no_memory(err)
                                                 : __real_tuning_settle(tuning, err);
}

int __wrap_tuning_load(struct tuning *tuning, struct err *err)
{
    if (atomic_exchange(&fails.is_damaged, false)) {
        statement_fail_with(SQLITE_CORRUPT);
        statement_fail_at(1);
        atomic_store(&f.engine->view_is_wanted, true); /* which cannot be made any more */
    }
    return atomic_exchange(&fails.load, false) ? no_memory(err) : __real_tuning_load(tuning, err);
}

int __wrap_array_reserve(void *items, size_t n, size_t *cap, size_t size, struct err *err)
{
    return size == sizeof(struct token_row) && atomic_exchange(&fails.tokens, false)
               ? no_memory(err)
               : __real_array_reserve(items, n, cap, size, err);
}

START_TEST(a_group_without_memory_is_refused_and_the_next_one_is_not)
{
    create(0);
    for (int tag = 0; tag < 3; tag++) {
        submit(tag);
    }
    atomic_store(&fails.settle, true);
    start();
    wait_for_answers(3);
    ck_assert_uint_eq(count_answers(ERR_OVERLOADED), 3);
    submit(3);
    wait_for_answers(4);
    ck_assert_int_eq(f.codes[3], ERR_NONE);
    wait_for_tokens(1); /* the last one alone */
    end();
}
END_TEST

START_TEST(a_failed_group_takes_back_no_uses_but_its_own)
{
    create(0);
    submit(0);
    start();
    wait_for_answers(1);
    ck_assert_uint_eq(f.n_uses_taken, 1); /* and kept */
    atomic_store(&fails.settle, true);
    submit(1);
    wait_for_answers(2);
    ck_assert_int_eq(f.codes[1], ERR_OVERLOADED);
    ck_assert_uint_eq(f.n_uses_again, 0);
    end();
}
END_TEST

static uint64_t view_number(void)
{
    (void)pthread_mutex_lock(&f.engine->view_lock);
    uint64_t number = f.engine->view_number;
    (void)pthread_mutex_unlock(&f.engine->view_lock);
    return number;
}

/* Reads until then. */
static void read_until_view(uint64_t number)
{
    while (atomic_load(&fails.view) || view_number() < number) {
        struct live_view *view = engine_view_now(f.engine);
        ck_assert_ptr_nonnull(view); /* the one before stays */
        live_view_release(view);
    }
}

START_TEST(a_view_that_finds_no_memory_is_made_later)
{
    create(0);
    start();
    submit(0);
    wait_for_answers(1);
    read_until_view(1);
    atomic_store(&fails.view, true);
    read_until_view(view_number());
    submit(1);
    wait_for_answers(2);
    read_until_view(view_number() + 1);
    ck_assert_uint_eq(count_answers(ERR_NONE), 2);
    end();
}
END_TEST

/* Rather none for a moment than one that was revoked. */
START_TEST(tokens_that_find_no_memory_are_published_later)
{
    create(0);
    start();
    submit(0);
    wait_for_tokens(1);
    size_t before = f.n_times_without;
    atomic_store(&fails.tokens, true);
    submit(1);
    wait_for_answers(2);
    wait_for_tokens(2);
    ck_assert_uint_eq(f.n_times_without, before + 1);
    end();
}
END_TEST

START_TEST(damage_that_reading_back_finds_leaves_reads_alone)
{
    create(0);
    for (int tag = 0; tag < 3; tag++) {
        submit(tag);
    }
    atomic_store(&fails.settle, true);
    atomic_store(&fails.is_damaged, true);
    start();
    wait_for_answers(3);
    ck_assert_uint_eq(count_answers(ERR_NONE), 0);
    ck_assert(engine_is_read_only(f.engine));
    struct live_view *view = engine_view(f.engine);
    ck_assert_ptr_nonnull(view);
    live_view_release(view);
    end();
}
END_TEST

START_TEST(a_state_that_cannot_be_read_back_ends_the_process)
{
    create(0);
    submit(0);
    atomic_store(&fails.settle, true);
    atomic_store(&fails.load, true);
    start();
    wait_for_answers(1); /* never comes */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_groups");
    TCase *tcase = tcase_create("groups");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_group_is_kept_whole_or_refused_whatever_fails, 0,
                        (int)(sizeof failures / sizeof failures[0]));
    tcase_add_test(tcase, answers_of_a_large_group_leave_in_order_and_in_batches);
    tcase_add_test(tcase, a_stop_carries_out_all_that_was_taken);
    tcase_add_test(tcase, after_damage_all_that_waits_is_refused);
    tcase_add_loop_test(tcase, a_slow_commit_is_worth_waiting_for_others_while_they_come, 0, 2);
    tcase_add_test(tcase, a_group_without_memory_is_refused_and_the_next_one_is_not);
    tcase_add_test(tcase, a_failed_group_takes_back_no_uses_but_its_own);
    tcase_add_test(tcase, a_view_that_finds_no_memory_is_made_later);
    tcase_add_test(tcase, tokens_that_find_no_memory_are_published_later);
    tcase_add_test(tcase, damage_that_reading_back_finds_leaves_reads_alone);
    tcase_add_test_raise_signal(tcase, a_state_that_cannot_be_read_back_ends_the_process, SIGABRT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
