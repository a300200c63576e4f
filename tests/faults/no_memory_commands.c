/* Every allocation fails once while a command is carried out. What had no memory is refused as
 * ERR_NOMEM and, once its group is undone, leaves no trace; what succeeds all the same has given
 * the undisturbed answer and written the undisturbed rows. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/domain/shared_def.h"
#include "tests/sim/world.h"
#include "tests/support/allocation.h"
#include "tests/support/store_script.h"

#define TEXT_MAX (1 << 20)

static struct world world;
static char lease[LEASE_ID_BYTES]; /* of the last ask */
static bool is_cold; /* each try is the first command of a server, whose tables have to grow */

#define BODY                                                                                       \
    "\"metric\": \"loss\", \"direction\": \"minimize\", \"parameters\":"                           \
    " [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1},"                           \
    "  {\"name\": \"k\", \"type\": \"categorical\", \"choices\": [\"a\", 2, true]}], \"seed\": 7"
#define OLD                                                                                        \
    "{\"name\": \"old\", \"strategy\": \"random\", \"description\": \"first\","                    \
    " \"labels\": {\"team\": \"a\"}, \"job\": {\"runner\": \"train\"}, \"limits\": {\"trials\": "  \
    "9}, " BODY "}"
#define FINISHED                                                                                   \
    "[{\"state\": \"completed\", \"parameters\": {\"x\": 0.5, \"k\": 2}, \"metrics\": {\"loss\": " \
    "1},"                                                                                          \
    "  \"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": 2}}]},"                            \
    " {\"state\": \"completed\", \"parameters\": {\"x\": 0.25, \"k\": \"a\"}, \"metrics\": "       \
    "{\"loss\":"                                                                                   \
    " \"NaN\", \"acc\": 3}}]"

/* ---- the commands ---- */

static struct command *create(void)
{
    return world_create_study("{\"name\": \"new\", \"after\": [\"old\"], " BODY "}");
}

static struct command *create_again(void)
{
    return world_create_study("{\"name\": \"same\", " BODY "}");
}

static struct command *create_other(void)
{
    return world_create_study("{\"name\": \"same\", \"share\": 2, " BODY "}");
}

static struct command *patch(void)
{
    return world_patch_study("old", "{\"description\": \"second\", \"labels\": {\"team\": \"b\","
                                    " \"site\": \"c\"}, \"limits\": {\"trials\": 12, \"seconds\":"
                                    " 1000}, \"share\": 2.5}");
}

static struct command *patch_space(void)
{
    return world_patch_study(
        "old",
        "{\"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 0.3},"
        "  {\"name\": \"k\", \"type\": \"categorical\", \"choices\": [2, true, \"b\"]},"
        "  {\"name\": \"m\", \"type\": \"bool\", \"old_value\": true}]}");
}

static struct command *patch_nothing(void)
{
    return world_patch_study("old", "{\"description\": \"first\", \"labels\": {\"team\": \"a\"}}");
}

static struct command *stop(void)
{
    return world_patch_study("old", "{\"state\": \"stopped\"}");
}

static struct command *enqueue(void)
{
    return world_add_trials("old", "{\"parameters\": {\"x\": 0.75, \"k\": true}}", "key");
}

static struct command *import(void)
{
    return world_add_trials("old", FINISHED, NULL);
}

static struct command *ask(void)
{
    return world_ask("old", "{\"worker\": \"w\", \"request_id\": \"r\", \"runners\": [\"train\"],"
                            " \"labels\": {\"site\": \"a\"}}");
}

static struct command *ask_elsewhere(void)
{
    return world_ask("old", "{\"worker\": \"bad:0\", \"health\": {\"ok\": false}}");
}

static struct command *ask_in_vain(void)
{
    return world_ask("old", "{\"worker\": \"w\", \"runners\": [\"other\"]}");
}

static struct command *measure(void)
{
    return world_measure(lease, "{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": 2, "
                                "\"acc\": 0.5}}, {\"step\": 2, \"metrics\": {\"loss\": 1.5}}]}");
}

static struct command *complete(void)
{
    return world_result(lease, "{\"outcome\": \"completed\", \"metrics\": {\"loss\": 1.25},"
                               " \"usage\": {\"wall_seconds\": 3}, \"detail\": \"all went well\","
                               " \"checkpoint\": {\"uri\": \"file:///c\"}}");
}

static struct command *report_failure(void)
{
    return world_result(lease, "{\"outcome\": \"failed\", \"reason\": \"oom\", \"detail\": \"x\"}");
}

static struct command *release(void)
{
    return world_release(lease);
}

static struct command *drain(void)
{
    return world_set_worker("bad", true);
}

static struct command *cancel(void)
{
    return world_cancel_trial("old", 3);
}

static struct command *retry(void)
{
    return world_retry_trials("old", 0);
}

static struct command *delete (void)
{
    return world_delete_study("old", true);
}

static struct command *make_token(void)
{
    struct command *command = command_create(COMMAND_TOKEN_CREATE);

    as_token_create(command)->in.token = script_token("abcdefgh", 1000);
    return command;
}

/* ---- one try ---- */

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
            memcpy(lease, as_const_ask(command)->out.grant.id, sizeof lease);
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

static void write_answer(const struct command *command, struct buf *out)
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

    for (; (command = tuning_take_done(world.tuning)) != NULL; n++) {
        write_answer(command, out);
        command_destroy(command);
    }
    return n;
}

static struct buf make_text(void)
{
    struct buf text;

    buf_init(&text, TEXT_MAX);
    return text;
}

static void must(int result, const struct err *err)
{
    ck_assert_msg(result == 0, "%s", err->text);
}

/* The group is undone and its command answered; an ask that waits survives that, and the next group
 * serves it. */
static void give_up(const struct err *why, struct buf *out)
{
    struct err err = {0};

    store_group_rollback(world.store);
    tuning_fail_group(world.tuning, why);
    int n = take_answers(out);
    must(tuning_load(world.tuning, &err), &err);
    store_group_begin(world.store);
    must(tuning_settle(world.tuning, &err), &err);
    ck_assert_int_eq(n + take_answers(out), 1);
}

static int run(struct command *command, struct err *err)
{
    store_group_begin(world.store);
    TRY(tuning_apply(world.tuning, command, err));
    return tuning_settle(world.tuning, err);
}

/* Answers and rows of one command whose group is undone in the end; -1 when it had no memory. The
 * k-th allocation fails, with k = 0 none. */
static int try_command(struct command *(*make)(void), size_t k, bool onwards, bool *has_failed,
                       struct buf *out)
{
    struct rng secrets = world.secrets; /* each try draws the same */
    struct command *command = make();
    struct err err = {0};

    ck_assert_ptr_nonnull(command);
    must(is_cold ? world_restart(&world, &err) : 0, &err);
    allocation_fail_at(k, onwards);
    int result = run(command, &err);
    *has_failed = allocation_has_failed();
    allocation_stop();
    if (result == 0) {
        ck_assert_int_eq(take_answers(out), 1);
        must(script_read(world.store, out, &err), &err);
        must(buf_check(out, &err), &err);
    } else {
        ck_assert_msg(err.code == ERR_NOMEM, "allocation %zu: %s: %s", k, err_code_name(err.code),
                      err.text);
        give_up(&err, out);
    }
    store_group_rollback(world.store);
    must(is_cold ? world_restart(&world, &err) : tuning_load(world.tuning, &err), &err);
    world.secrets = secrets;
    return result;
}

static void expect_same(const struct buf *text, const struct buf *expected, size_t k, bool onwards)
{
    const char *got = buf_text(text);
    const char *want = buf_text(expected);
    size_t same = 0;

    while (got[same] != '\0' && got[same] == want[same]) {
        same++;
    }
    ck_assert_msg(got[same] == want[same], "allocation %zu%s: %.200s\n-- instead of\n%.200s", k,
                  onwards ? " and on" : "", got + same, want + same);
}

static bool fail_one(struct command *(*make)(void), size_t k, bool onwards,
                     const struct buf *expected)
{
    struct buf text = make_text();
    bool has_failed;

    if (try_command(make, k, onwards, &has_failed, &text) == 0) {
        expect_same(&text, expected, k, onwards);
    }
    buf_finish(&text);
    return has_failed;
}

/* ---- the suite ---- */

static void answered(void *context, struct command *command)
{
    struct buf text = make_text();

    (void)context;
    ck_assert_msg(command->err.code == ERR_NONE, "%s", command->err.text);
    write_answer(command, &text);
    buf_finish(&text);
    command_destroy(command);
}

static void prepare(struct command *(*const before[])(void))
{
    struct err err = {0};

    must(world_open(&world, 1, &err), &err);
    world.answered = answered;
    must(world_do(&world, world_create_study(OLD), &err), &err);
    must(world_do(&world, import(), &err), &err);
    must(world_do(&world, create_again(), &err), &err);
    for (size_t i = 0; before[i] != NULL; i++) {
        must(world_do(&world, before[i](), &err), &err);
    }
}

static const struct {
    struct command *(*make)(void);
    struct command *(*before[9])(void);
} cases[] = {
    {create, {stop}},
    {create_again, {NULL}},
    {create_other, {NULL}},
    {patch, {NULL}},
    {patch_space, {NULL}},
    {patch_nothing, {NULL}},
    {stop, {enqueue}},
    {enqueue, {NULL}},
    {import, {NULL}},
    {ask, {NULL}},
    {ask_in_vain, {NULL}},
    {ask, {enqueue}},
    {measure, {ask}},
    {complete, {ask, measure}},
    {report_failure, {ask, measure}},
    {release, {ask}},
    {drain, {ask_elsewhere}},
    /* the third failure on one node, and the success on another that says whose they are */
    {complete,
     {ask_elsewhere, report_failure, ask_elsewhere, report_failure, ask_elsewhere, report_failure,
      ask}},
    {cancel, {enqueue}},
    {retry, {ask, report_failure}},
    {delete, {ask}},
    {make_token, {NULL}},
};

static void fail_each(struct command *(*make)(void), struct command *(*const before[])(void))
{
    struct buf expected = make_text();
    bool has_failed;
    size_t k = 1;

    prepare(before);
    ck_assert_int_eq(try_command(make, 0, false, &has_failed, &expected), 0);
    buf_clear(&expected); /* caches are full now */
    ck_assert_int_eq(try_command(make, 0, false, &has_failed, &expected), 0);
    long live = allocation_live_own();
    while (fail_one(make, k, false, &expected)) {
        (void)fail_one(make, k, true, &expected);
        ck_assert_msg(allocation_live_own() == live, "allocation %zu: %ld blocks were lost", k,
                      allocation_live_own() - live);
        k++;
    }
    (void)fail_one(make, 0, false, &expected);
    ck_assert_uint_gt(k, 1);
    buf_finish(&expected);
    world_finish(&world);
}

START_TEST(failed_allocation_is_refused_or_changes_nothing)
{
    fail_each(cases[_i].make, cases[_i].before);
}
END_TEST

START_TEST(the_same_for_the_first_command_of_a_server)
{
    static struct command *(*const makes[])(void) = {ask, enqueue, make_token};
    static struct command *(*const before[])(void) = {NULL};

    is_cold = true;
    fail_each(makes[_i], before);
}
END_TEST

static int run_start(struct buf *out, struct err *err)
{
    int result = world_restart(&world, err);

    tuning_destroy(world.tuning);
    world.tuning = NULL;
    buf_puts(out, "started");
    return result;
}

START_TEST(failed_allocation_while_reading_the_state)
{
    static struct command *(*const before[])(void) = {ask, NULL};

    prepare(before);
    tuning_destroy(world.tuning);
    world.tuning = NULL;
    ck_assert_uint_gt(allocation_fail_each("start", run_start), 50);
    world_finish(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_commands");
    TCase *tcase = tcase_create("every allocation");

    allocation_start();
    json_start();
    tcase_add_loop_test(tcase, failed_allocation_is_refused_or_changes_nothing, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(tcase, the_same_for_the_first_command_of_a_server, 0, 3);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("start");
    tcase_add_test(tcase, failed_allocation_while_reading_the_state);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
