#include "tests/support/failing_statements.h"

#include <sqlite3.h>

static struct {
    size_t n;  /* steps since statement_fail_at() */
    size_t at; /* which of them fails; 0: none */
    bool has_failed;
    bool is_told; /* the newest step is the one that failed */
    int rc;
} state = {.rc = SQLITE_IOERR};

void statement_fail_with(int rc)
{
    state.rc = rc;
}

void statement_fail_at(size_t k)
{
    state.n = 0;
    state.at = k;
    state.has_failed = state.has_failed && k == 0;
}

bool statement_has_failed(void)
{
    return state.has_failed;
}

/* ---- what the linker puts in the place of SQLite's functions (--wrap) ---- */

int __real_sqlite3_step(sqlite3_stmt *statement);
int __real_sqlite3_extended_errcode(sqlite3 *db);
int __wrap_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_extended_errcode(sqlite3 *db);

int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
    state.is_told = ++state.n == state.at;
    if (!state.is_told) {
        return __real_sqlite3_step(statement);
    }
    state.has_failed = true;
    return state.rc;
}

int __wrap_sqlite3_extended_errcode(sqlite3 *db)
{
    return state.is_told ? state.rc : __real_sqlite3_extended_errcode(db);
}
