#include "tests/support/old_store.h"

#include <check.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

#include "server/store/sqlite/migrations.h"
#include "tests/support/directory.h"

static void run_sql(sqlite3 *db, const char *sql)
{
    char *text = NULL;
    int rc = sqlite3_exec(db, sql, NULL, NULL, &text);

    ck_assert_msg(rc == SQLITE_OK, "%s: %s", sql, text);
}

static sqlite3 *open_raw(const char *directory, const char *name)
{
    char path[2 * DIRECTORY_BYTES];
    sqlite3 *db = NULL;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

/* The first column of the first row, as a number; -1 without a row. */
static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK
        && sqlite3_step(statement) == SQLITE_ROW) {
        number = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return number;
}

void old_store_create(const char *directory)
{
    sqlite3 *db = open_raw(directory, "hone.db");

    run_sql(db, migrations[0]);
    run_sql(db, "PRAGMA application_id = 0x686f6e65; PRAGMA user_version = 1;");
    run_sql(db, "INSERT INTO study VALUES (1, 's', '{}', '{}', 0, 0, 1, 1000, NULL, NULL, 0, NULL,"
                " 1, 1, 1, 9, 0, 0, zeroblob(64), 1, 0.5, 9);"
                "INSERT INTO trial VALUES ((1 << 32) | 1, 3, NULL, 0, 0, 1, 0, NULL, 0, 0,"
                " zeroblob(8), 0.5, NULL, NULL, 9, NULL, 2000, 3000, 4000, 1);");
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

void old_store_expect_copy(const char *directory, const char *place)
{
    sqlite3 *db = open_raw(directory, "hone.db");
    int64_t version = number_of(db, "PRAGMA user_version");

    ck_assert_msg(version >= 1, "%s: the version is lost", place);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    if (version == 1) {
        return;
    }
    db = open_raw(directory, "before-0001.db");
    ck_assert_msg(number_of(db, "PRAGMA user_version") == 1
                      && number_of(db, "SELECT count(*) FROM study JOIN trial") == 1
                      && number_of(db, "SELECT count(*) FROM pragma_integrity_check"
                                       " WHERE integrity_check = 'ok'")
                             == 1,
                  "%s: version %d without a whole copy", place, (int)version);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
