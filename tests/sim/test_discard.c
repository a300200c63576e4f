/* Lists of obsolete checkpoints: how long, how often, and over kills. The scenarios discard*.txt
 * test what belongs on them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "server/state/checkpoints.h"
#include "tests/sim/world.h"

struct play {
    struct world world;
    char lease[LEASE_ID_BYTES]; /* of the last grant */
    char discard[1 << 20];      /* its list */
};
static struct play play;

static void take(void *context, struct command *command)
{
    (void)context;
    ck_assert_msg(command->err.code == ERR_NONE, "%s", command->err.text);
    if (command->kind == COMMAND_ASK) {
        ck_assert(as_ask(command)->out.granted);
        memcpy(play.lease, as_ask(command)->out.grant.id, sizeof play.lease);
        (void)snprintf(
            play.discard, sizeof play.discard, "%s",
            as_ask(command)->out.grant.discard == NULL ? "[]" : as_ask(command)->out.grant.discard);
    }
    command_destroy(command);
}

static void setup(void)
{
    play = (struct play){0};
    ck_assert_int_eq(world_open(&play.world, 1, NULL), 0);
    play.world.answered = take;
    ck_assert_int_eq(
        world_do(&play.world,
                 world_create_study("{\"name\": \"s\", \"metric\": \"loss\", \"direction\": "
                                    "\"minimize\", \"strategy\": \"random\", \"parameters\": "
                                    "[{\"name\": \"x\", \"type\": \"float\", \"low\": 0, "
                                    "\"high\": 1}], \"limits\": {\"failures\": 1000000}}"),
                 NULL),
        0);
}

static void teardown(void)
{
    world_finish(&play.world);
}

static struct command *ask(const char *host, const char *request)
{
    char body[160];

    (void)snprintf(body, sizeof body,
                   "{\"worker\": \"w\", \"host\": \"%s\", \"request_id\": \"%s\"}", host, request);
    return world_ask("s", body);
}

/* A trial fails and leaves this checkpoint. */
static void fail_with(const char *uri, const char *reach)
{
    char body[2048];

    ck_assert_int_eq(world_do(&play.world, ask("nowhere", ""), NULL), 0);
    (void)snprintf(body, sizeof body,
                   "{\"outcome\": \"failed\", \"checkpoint\": {\"uri\": \"%s\", \"step\": 0, "
                   "\"reach\": \"%s\"}}",
                   uri, reach);
    ck_assert_int_eq(world_do(&play.world, world_result(play.lease, body), NULL), 0);
}

/* How many the next lease on this host lists, and the first of them. */
static size_t listed(const char *host, char first[64])
{
    ck_assert_int_eq(world_do(&play.world, ask(host, ""), NULL), 0);
    json_auto_t *list = json_loads(play.discard, 0, NULL);
    const char *text = json_string_value(json_array_get(list, 0));

    (void)snprintf(first, 64, "%s", text == NULL ? "" : text);
    return json_array_size(list);
}

START_TEST(a_grant_lists_a_hundred_and_the_next_one_goes_on)
{
    char uri[32];
    char first[64];

    for (int i = 0; i < 2 * OBSOLETE_LISTED + 30; i++) {
        (void)snprintf(uri, sizeof uri, "c%d", i);
        fail_with(uri, "host:n1");
    }
    ck_assert_uint_eq(listed("n2", first), 0);
    ck_assert_uint_eq(listed("n1", first), OBSOLETE_LISTED);
    ck_assert_str_eq(first, "c0");
    ck_assert_int_eq(world_restart(&play.world, NULL), 0);
    ck_assert_uint_eq(listed("n1", first), OBSOLETE_LISTED);
    ck_assert_str_eq(first, "c100");
    ck_assert_uint_eq(listed("n1", first), 30);
    ck_assert_uint_eq(listed("n1", first), 0);
}
END_TEST

START_TEST(long_names_make_a_shorter_list)
{
    char uri[1001];
    char first[64];
    size_t n = 0;

    memset(uri, 'u', 1000);
    uri[1000] = '\0';
    for (int i = 0; i < 40; i++) {
        (void)snprintf(uri, 8, "%07d", i);
        uri[7] = 'u';
        fail_with(uri, "host:n1");
    }
    while (n < 40) {
        size_t more = listed("n1", first);
        ck_assert_uint_gt(more, 0);
        ck_assert_uint_lt(strlen(play.discard), OBSOLETE_LISTED_BYTES + 2048);
        n += more;
    }
    ck_assert_uint_eq(n, 40);
}
END_TEST

START_TEST(the_oldest_of_too_many_is_forgotten)
{
    char uri[32];
    char first[64];

    for (int i = 0; i < OBSOLETE_KEPT + 5; i++) {
        (void)snprintf(uri, sizeof uri, "c%d", i);
        fail_with(uri, "host:n1");
    }
    ck_assert_uint_eq(listed("n1", first), OBSOLETE_LISTED);
    ck_assert_str_eq(first, "c5");
}
END_TEST

START_TEST(a_list_outlives_a_kill_at_either_side_of_its_commit)
{
    struct command *lost = ask("n1", "r1");
    char before[64];
    char first[64];

    fail_with("a", "host:n1");
    ck_assert_int_eq(world_crash(&play.world, &lost, 1, NULL), 0);
    ck_assert_int_eq(world_do(&play.world, ask("n1", "r1"), NULL), 0);
    ck_assert_str_eq(play.discard, "[\"a\"]");
    (void)snprintf(before, sizeof before, "%s", play.lease);
    play.discard[0] = '\0';
    ck_assert_int_eq(world_restart(&play.world, NULL), 0); /* the answer got lost: asked again */
    ck_assert_int_eq(world_do(&play.world, ask("n1", "r1"), NULL), 0);
    ck_assert_str_eq(play.lease, before);
    ck_assert_str_eq(play.discard, "[\"a\"]");
    ck_assert_uint_eq(listed("n1", first), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("discard");
    TCase *tcase = tcase_create("discard");
    SRunner *runner = srunner_create(suite);

    json_start();
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_grant_lists_a_hundred_and_the_next_one_goes_on);
    tcase_add_test(tcase, long_names_make_a_shorter_list);
    tcase_add_test(tcase, the_oldest_of_too_many_is_forgotten);
    tcase_add_test(tcase, a_list_outlives_a_kill_at_either_side_of_its_commit);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
