/* What is made of an SQL statement that fails. In memory. */
#include <check.h>
#include <sqlite3.h>

#include "server/store/store.h"
#include "tests/support/failing_statements.h"
#include "tests/support/run_suite.h"

static const struct {
    int rc;
    enum err_code code;
} failures[] = {
    {SQLITE_IOERR, ERR_IO},          {SQLITE_FULL, ERR_STORAGE_FULL},
    {SQLITE_NOMEM, ERR_NOMEM},       {SQLITE_BUSY, ERR_OVERLOADED},
    {SQLITE_LOCKED, ERR_OVERLOADED}, {SQLITE_INTERRUPT, ERR_OVERLOADED},
    {SQLITE_READONLY, ERR_IO},       {SQLITE_CORRUPT, ERR_IO},
    {SQLITE_NOTADB, ERR_IO},         {SQLITE_MISUSE, ERR_IO},
};

START_TEST(each_failure_is_told_apart_and_passes)
{
    const struct store_settings settings = {.directory = NULL};
    OWN(store) struct store *store = NULL;
    struct err err = {0};
    size_t k = 1;

    ck_assert_int_eq(store_open(&settings, &store, &err), 0);
    statement_fail_with(failures[_i].rc);
    for (;; k++) {
        statement_fail_at(k);
        int result = store_probe_space(store, &err);
        bool has_failed = statement_has_failed();
        statement_fail_at(0);
        ck_assert_int_eq(result, has_failed ? -1 : 0);
        if (!has_failed) {
            break;
        }
        ck_assert_msg(err.code == failures[_i].code, "%s", err.text);
        ck_assert_int_eq(store_probe_space(store, &err), 0); /* nothing of it is left open */
    }
    ck_assert_uint_gt(k, 6); /* it writes twice, each time with a beginning and an end */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_statements");
    TCase *tcase = tcase_create("failures");

    tcase_add_loop_test(tcase, each_failure_is_told_apart_and_passes, 0,
                        (int)(sizeof failures / sizeof failures[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
