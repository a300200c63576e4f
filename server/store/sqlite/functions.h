/* SQL functions of our own. For this folder only. */
#ifndef SERVER_STORE_SQLITE_FUNCTIONS_H
#define SERVER_STORE_SQLITE_FUNCTIONS_H

#include <sqlite3.h>

#define FUNCTIONS_STUDY "study_def" /* the kind of a bound pointer */

/* Registers metric_value(metrics, name): the finite value that the JSON text `metrics` of a trial
 * has under `name`, else NULL; the same number that metrics_value() returns. And
 * best_level(study, state, step, config, bounded): study_best_level(), NULL for -1; without a study
 * 0 for completed and pruned trials. An SQLite result. */
int functions_register(sqlite3 *db);

#endif
