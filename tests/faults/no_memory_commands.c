/* Every allocation fails once while a command is carried out, while time passes, and while the
 * state is read. */
#include <check.h>

#include "tests/faults/each_allocation.h"
#include "tests/support/allocation.h"
#include "tests/support/run_suite.h"

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
    return world_measure(f.lease, "{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": 2, "
                                  "\"acc\": 0.5}}, {\"step\": 2, \"metrics\": {\"loss\": 1.5}}]}");
}

static struct command *complete(void)
{
    return world_result(f.lease, "{\"outcome\": \"completed\", \"metrics\": {\"loss\": 1.25},"
                                 " \"usage\": {\"wall_seconds\": 3}, \"detail\": \"all went well\","
                                 " \"checkpoint\": {\"uri\": \"file:///c\"}}");
}

static struct command *report_failure(void)
{
    return world_result(f.lease,
                        "{\"outcome\": \"failed\", \"reason\": \"oom\", \"detail\": \"x\"}");
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

/* ---- the suite ---- */

static void prepare(struct command *(*const before[])(void))
{
    fixture_open();
    perform(world_create_study(OLD));
    perform(import());
    perform(create_again());
    for (size_t i = 0; before[i] != NULL; i++) {
        perform(before[i]());
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
    {make_release, {ask}},
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

static void fail_each(struct command *(*make)(void), struct command *(*const before[])(void),
                      bool is_cold)
{
    prepare(before);
    ck_assert_uint_gt(step_fail_each(make, is_cold), 0);
    fixture_close();
}

START_TEST(failed_allocation_is_refused_or_changes_nothing)
{
    fail_each(cases[_i].make, cases[_i].before, false);
}
END_TEST

START_TEST(the_same_for_the_first_command_of_a_server)
{
    static struct command *(*const makes[])(void) = {ask, enqueue, make_token};
    static struct command *(*const before[])(void) = {NULL};

    fail_each(makes[_i], before, true);
}
END_TEST

/* ---- other studies ---- */

#define GRID                                                                                       \
    "{\"name\": \"s\", \"metric\": \"loss\", \"direction\": \"minimize\", \"strategy\": \"grid\"," \
    " \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"values\": [0, 0.5, 1]}]}"
#define MODEL                                                                                      \
    "{\"name\": \"s\", \"metric\": \"loss\", \"direction\": \"minimize\", \"strategy\": "          \
    "\"bayesian\","                                                                                \
    " \"seed\": 1, \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": " \
    "1}]}"

static const struct {
    const char *study;
    make_step make;
    make_step before[5];
    bool is_cold;
} others[] = {
    {STUDY_OF_X("s", ", \"limits\": {\"seconds\": 60}"), make_ask, {NULL}, true},
    {STUDY_OF_X("s", ""), make_ask_at_host, {make_ask_at_host, make_checkpoint}, false},
    {STUDY_OF_X("s", ""), pass_time, {make_ask_at_host, make_checkpoint, make_ask_at_host}, false},
    {STUDY_WITH_QUORUM, pass_time, {make_ask, make_ask, pass_seconds, make_rung_result}, false},
    {STUDY_WITH_QUORUM, make_rung_result, {make_ask, pass_minutes, make_ask, pass_seconds}, false},
    {GRID, make_complete, {make_trial, make_ask}, false}, /* is there one more to try? */
    {MODEL, make_complete, {make_ask}, false},            /* prepares the next one */
};

START_TEST(the_same_in_other_studies)
{
    fixture_open();
    perform(world_create_study(others[_i].study));
    for (size_t i = 0; others[_i].before[i] != NULL; i++) {
        perform(others[_i].before[i]());
    }
    ck_assert_uint_gt(step_fail_each(others[_i].make, others[_i].is_cold), 0);
    fixture_close();
}
END_TEST

/* ---- the start ---- */

static int run_start(struct buf *out, struct err *err)
{
    int result = world_restart(&f.world, err);

    tuning_destroy(f.world.tuning);
    f.world.tuning = NULL;
    buf_puts(out, "started");
    return result;
}

START_TEST(failed_allocation_while_reading_the_state)
{
    static struct command *(*const before[])(void) = {ask, NULL};

    prepare(before);
    tuning_destroy(f.world.tuning);
    f.world.tuning = NULL;
    ck_assert_uint_gt(allocation_fail_each("start", run_start), 50);
    fixture_close();
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
    tcase_add_loop_test(tcase, the_same_in_other_studies, 0,
                        (int)(sizeof others / sizeof others[0]));
    tcase_add_loop_test(tcase, the_same_for_the_first_command_of_a_server, 0, 3);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("start");
    tcase_add_test(tcase, failed_allocation_while_reading_the_state);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
