/* SQL functions of our own. For this folder only. */
#ifndef SERVER_STORE_SQLITE_FUNCTIONS_H
#define SERVER_STORE_SQLITE_FUNCTIONS_H

#include <sqlite3.h>

/* Registers metric_value(metrics, name): the finite value that the JSON text `metrics` of a trial
 * has under `name`, else NULL; the same number that metrics_value() returns. An SQLite result. */
int functions_register(sqlite3 *db);

#endif
