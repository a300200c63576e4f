/* Lists of obsolete checkpoints: how long, how often, and over kills. The scenarios discard*.txt
 * test what belongs on them. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "server/state/checkpoints.h"
#include "tests/sim/world_fixture.h"
#include "tests/support/run_suite.h"

static char discard[1 << 20]; /* the list of the last grant */

static void note(const struct command *answer)
{
    if (answer->kind == COMMAND_ASK) {
        const struct ask_command *ask = as_const_ask(answer);
        ck_assert(ask->out.granted);
        (void)snprintf(discard, sizeof discard, "%s",
                       ask->out.grant.discard == NULL ? "[]" : ask->out.grant.discard);
    }
}

static void setup(void)
{
    fixture_open();
    f.note = note;
    perform(world_create_study(STUDY_OF_X("s", ", \"limits\": {\"failures\": 1000000}")));
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

    perform(ask("nowhere", ""));
    (void)snprintf(body, sizeof body,
                   "{\"outcome\": \"failed\", \"checkpoint\": {\"uri\": \"%s\", \"step\": 0, "
                   "\"reach\": \"%s\"}}",
                   uri, reach);
    perform(world_result(f.lease, body));
}

/* How many the next lease on this host lists, and the first of them. */
static size_t listed(const char *host, char first[64])
{
    perform(ask(host, ""));
    json_auto_t *list = json_loads(discard, 0, NULL);
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
    ck_assert_int_eq(world_restart(&f.world, NULL), 0);
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
        ck_assert_uint_lt(strlen(discard), OBSOLETE_LISTED_BYTES + 2048);
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
    ck_assert_int_eq(world_crash(&f.world, &lost, 1, NULL), 0);
    perform(ask("n1", "r1"));
    ck_assert_str_eq(discard, "[\"a\"]");
    (void)snprintf(before, sizeof before, "%s", f.lease);
    discard[0] = '\0';
    ck_assert_int_eq(world_restart(&f.world, NULL), 0); /* the answer got lost: asked again */
    perform(ask("n1", "r1"));
    ck_assert_str_eq(f.lease, before);
    ck_assert_str_eq(discard, "[\"a\"]");
    ck_assert_uint_eq(listed("n1", first), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("discard");
    TCase *tcase = tcase_create("discard");

    json_start();
    tcase_add_checked_fixture(tcase, setup, fixture_close);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_grant_lists_a_hundred_and_the_next_one_goes_on);
    tcase_add_test(tcase, long_names_make_a_shorter_list);
    tcase_add_test(tcase, the_oldest_of_too_many_is_forgotten);
    tcase_add_test(tcase, a_list_outlives_a_kill_at_either_side_of_its_commit);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
