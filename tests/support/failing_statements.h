/* The k-th step of an SQL statement fails with an I/O error, as where a page cannot be read;
 * nothing of it is carried out.
 *
 * The executable is linked with --wrap for two functions of SQLite (meson.build). One thread at a
 * time. */
#ifndef TESTS_SUPPORT_FAILING_STATEMENTS_H
#define TESTS_SUPPORT_FAILING_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the k-th step fails, counted from 1; 0: none does. */
void statement_fail_at(size_t k);
/* What steps fail with: SQLITE_IOERR until this says SQLITE_FULL, SQLITE_CORRUPT or another. */
void statement_fail_with(int rc);
/* Whether it has, since then. */
bool statement_has_failed(void);

#endif
