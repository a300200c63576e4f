#include "tests/faults/each_allocation.h"

#include <inttypes.h>
#include <string.h>

#include "server/domain/shared_def.h"
#include "server/suggester/suggester.h"
#include "tests/support/allocation.h"

#define TEXT_MAX (1 << 21)

static void write_study(const struct study_state_reply *reply, struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    study_def_write(reply->def->def, &w);
    json_object_end(&w);
    buf_printf(out, " revision %" PRId64 "\n", reply->row.revision);
}

static void write_numbers(size_t n, const int64_t numbers[], struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, " trial %" PRId64, numbers[i]);
    }
}

/* What a command of this kind answers, beside its error. */
static void write_output(const struct command *command, struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    switch ((int)command->kind) {
    case COMMAND_ASK:
        if (as_const_ask(command)->out.granted) {
            lease_grant_write(&as_const_ask(command)->out.grant, &w);
        }
        break;
    case COMMAND_STUDY_CREATE:
        write_study(&as_const_study_create(command)->out.study, out);
        break;
    case COMMAND_STUDY_PATCH:
        write_study(&as_const_study_patch(command)->out.study, out);
        break;
    case COMMAND_MEASURE:
        action_reply_write(&as_const_measure(command)->out.action, &w);
        break;
    case COMMAND_HEARTBEAT:
        action_reply_write(&as_const_heartbeat(command)->out.action, &w);
        break;
    case COMMAND_TRIALS_ADD:
        write_numbers(as_const_trials_add(command)->out.n_numbers,
                      as_const_trials_add(command)->out.numbers, out);
        break;
    case COMMAND_TRIALS_RETRY:
        write_numbers(as_const_trials_retry(command)->out.n_numbers,
                      as_const_trials_retry(command)->out.numbers, out);
        break;
    default:
        break;
    }
}

void answer_write(const struct command *command, struct buf *out)
{
    buf_printf(out, "%s %s", err_code_name(command->err.code), command->err.text);
    if (command->err.code == ERR_NONE) {
        write_output(command, out);
    }
    buf_putc(out, '\n');
}

/* Returns how many there were. */
static int take_answers(struct buf *out)
{
    struct command *command;
    int n = 0;

    for (; (command = tuning_take_done(f.world.tuning)) != NULL; n++) {
        answer_write(command, out);
        command_destroy(command);
    }
    return n;
}

/* The group is undone and its command answered; an ask that waits survives that, and the next group
 * serves it. */
static void give_up(const struct err *why, int n_commands, struct buf *out)
{
    struct err err = {0};

    store_group_rollback(f.world.store);
    tuning_fail_group(f.world.tuning, why);
    int n = take_answers(out);
    must(tuning_load(f.world.tuning, &err), &err);
    store_group_begin(f.world.store);
    must(tuning_settle(f.world.tuning, &err), &err);
    ck_assert_int_eq(n + take_answers(out), n_commands);
}

static int run(struct command *command, struct err *err)
{
    store_group_begin(f.world.store);
    TRY(command == NULL ? 0 : tuning_apply(f.world.tuning, command, err));
    return tuning_settle(f.world.tuning, err);
}

struct
try {
    make_step make;
    bool is_cold;
    size_t k; /* the allocation that fails; 0: none */
    bool onwards;
    bool has_failed;
};

/* All of it is undone in the end. Jobs outlive that; what they bring is dropped later. */
static void undo(const struct try *try, int64_t now_ms)
{
    struct suggestion_job *job;
    struct err err = {0};

    while ((job = tuning_take_job(f.world.tuning)) != NULL) {
        suggestion_job_destroy(job);
    }
    store_group_rollback(f.world.store);
    f.world.clock.now_ms = now_ms;
    must(try->is_cold ? world_restart(&f.world, &err) : tuning_load(f.world.tuning, &err), &err);
}

static void add_rows(struct buf *out)
{
    OWN(buf) struct buf rows = fixture_rows();

    buf_puts(out, buf_text(&rows));
}

/* Answers and rows of one step whose group is undone in the end; -1 when it had no memory. */
static int run_try(struct try *try, struct buf *out)
{
    struct rng secrets = f.world.secrets; /* each try draws the same */
    int64_t now_ms = f.world.clock.now_ms;
    struct command *command = try->make();
    int n_commands = command == NULL ? 0 : 1;
    struct err err = {0};

    must(try->is_cold ? world_restart(&f.world, &err) : 0, &err);
    allocation_fail_at(try->k, try->onwards);
    int result = run(command, &err);
    try->has_failed = allocation_has_failed();
    allocation_stop();
    if (result == 0) {
        ck_assert_int_eq(take_answers(out), n_commands);
        add_rows(out);
    } else {
        ck_assert_msg(err.code == ERR_NOMEM, "allocation %zu: %s: %s", try->k,
                      err_code_name(err.code), err.text);
        give_up(&err, n_commands, out);
    }
    undo(try, now_ms);
    f.world.secrets = secrets;
    return result;
}

static void expect_same(const struct buf *text, const struct buf *expected, const struct try *try)
{
    const char *got = buf_text(text);
    const char *want = buf_text(expected);
    size_t same = 0;

    while (got[same] != '\0' && got[same] == want[same]) {
        same++;
    }
    ck_assert_msg(got[same] == want[same], "allocation %zu%s: %.200s\n-- instead of\n%.200s",
                  try->k, try->onwards ? " and on" : "", got + same, want + same);
}

/* Whether there is a k-th allocation. */
static bool fail_one(struct try *try, const struct buf *expected, const struct buf *rows)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, TEXT_MAX);
    if (run_try(try, &text) == 0) {
        expect_same(&text, expected, try);
    }
    OWN(buf) struct buf left = fixture_rows();
    expect_same(&left, rows, try);
    return try->has_failed;
}

size_t step_fail_each(make_step make, bool is_cold)
{
    struct try try = {.make = make, .is_cold = is_cold};
    OWN(buf) struct buf expected = {0};
    OWN(buf) struct buf rows = fixture_rows();

    buf_init(&expected, TEXT_MAX);
    ck_assert_int_eq(run_try(&try, &expected), 0);
    buf_clear(&expected); /* caches are full now */
    ck_assert_int_eq(run_try(&try, &expected), 0);
    long live = allocation_live_own();
    do {
        try.k++;
        try.onwards = true;
        (void)fail_one(&try, &expected, &rows);
        try.onwards = false;
        (void)fail_one(&try, &expected, &rows);
        ck_assert_msg(allocation_live_own() == live, "allocation %zu: %ld blocks were lost", try.k,
                      allocation_live_own() - live);
    } while (try.has_failed);
    return try.k - 1;
}
