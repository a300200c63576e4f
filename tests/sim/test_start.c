/* What a start reads from the store: counted, since a store may have a million trials. */
#include <check.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "tests/sim/world_fixture.h"
#include "tests/support/run_suite.h"

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

static void add_study(const char *name)
{
    create_study_of_x(name);
    for (int i = 0; i < TRIALS; i++) {
        perform(world_ask(name, NULL));
        perform(make_complete());
    }
}

static void restart(void)
{
    counted.statements = counted.alone = 0;
    counted.on = true;
    ck_assert_int_eq(world_restart(&f.world, NULL), 0);
    counted.on = false;
}

/* Each would lock the file and let it go again. */
START_TEST(all_is_read_in_one_transaction)
{
    fixture_open();
    add_study("s1");
    restart();
    ck_assert_uint_gt(counted.statements, 5);
    ck_assert_uint_eq(counted.alone, 1); /* the one that begins it */
    fixture_close();
}
END_TEST

START_TEST(trials_that_have_ended_are_not_read_one_by_one)
{
    fixture_open();
    add_study("s1");
    restart();
    size_t with_one = counted.statements;
    add_study("s2");
    restart();
    ck_assert_uint_lt(counted.statements - with_one, TRIALS / 2);
    fixture_close();
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
    return run_suite(suite);
}
