/* What a start reads from the store: counted, since a store may have a million trials. */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

#define TRIALS 30

static struct {
    bool on;
    size_t statements;
    size_t alone; /* of them: in a transaction of its own */
} counted;

static int count(unsigned kind, void *context, void *statement, void *text)
{
    (void)kind;
    (void)context;
    (void)text;
    counted.statements += counted.on;
    counted.alone += counted.on && sqlite3_get_autocommit(sqlite3_db_handle(statement)) != 0;
    return 0;
}

/* Called for each connection that is opened. */
static int watch(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
    (void)error;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count, NULL);
}

static char lease_id[LEASE_ID_BYTES];

static void take(void *context, struct command *command)
{
    (void)context;
    ck_assert_msg(command->err.code == ERR_NONE, "%s", command->err.text);
    if (command->kind == COMMAND_ASK && as_ask(command)->out.granted) {
        memcpy(lease_id, as_ask(command)->out.grant.id, sizeof lease_id);
    }
    command_destroy(command);
}

static void run_trial(struct world *world, const char *study)
{
    ck_assert_int_eq(world_do(world, world_ask(study, NULL), NULL), 0);
    ck_assert_int_eq(world_do(world,
                              world_result(lease_id, "{\"outcome\": \"completed\", "
                                                     "\"metrics\": {\"loss\": 0.5}}"),
                              NULL),
                     0);
}

static void add_study(struct world *world, int number)
{
    char body[400];
    char name[16];

    (void)snprintf(name, sizeof name, "s%d", number);
    (void)snprintf(body, sizeof body,
                   "{\"name\": \"%s\", \"metric\": \"loss\", \"direction\": \"minimize\", "
                   "\"strategy\": \"random\", \"parameters\": [{\"name\": \"x\", \"type\": "
                   "\"float\", \"low\": 0, \"high\": 1}]}",
                   name);
    ck_assert_int_eq(world_do(world, world_create_study(body), NULL), 0);
    for (int i = 0; i < TRIALS; i++) {
        run_trial(world, name);
    }
}

static void restart(struct world *world)
{
    counted.statements = counted.alone = 0;
    counted.on = true;
    ck_assert_int_eq(world_restart(world, NULL), 0);
    counted.on = false;
}

/* Each would lock the file and let it go again. */
START_TEST(all_is_read_in_one_transaction)
{
    OWN(world) struct world world;

    ck_assert_int_eq(world_open(&world, 1, NULL), 0);
    world.answered = take;
    add_study(&world, 1);
    restart(&world);
    ck_assert_uint_gt(counted.statements, 5);
    ck_assert_uint_eq(counted.alone, 1); /* the one that begins it */
}
END_TEST

START_TEST(trials_that_have_ended_are_not_read_one_by_one)
{
    OWN(world) struct world world;

    ck_assert_int_eq(world_open(&world, 1, NULL), 0);
    world.answered = take;
    add_study(&world, 1);
    restart(&world);
    size_t with_one = counted.statements;
    add_study(&world, 2);
    restart(&world);
    ck_assert_uint_lt(counted.statements - with_one, TRIALS / 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("start");
    TCase *tcase = tcase_create("reads");

    if (sqlite3_auto_extension((void (*)(void))watch) != SQLITE_OK) {
        return EXIT_FAILURE;
    }
    tcase_add_test(tcase, all_is_read_in_one_transaction);
    tcase_add_test(tcase, trials_that_have_ended_are_not_read_one_by_one);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
