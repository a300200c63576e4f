/* Configurations to try, out of a table: one a row, the titles are the names of parameters. Pure.
 */
#ifndef WORKER_CLI_DEFINE_CONFIGURATIONS_H
#define WORKER_CLI_DEFINE_CONFIGURATIONS_H

#include <jansson.h>

#include "common/err.h"

/* Appends {"parameters": {…}} to `list` for each row of the CSV. Where titles begin with
 * "parameters.", as in an export of trials, these columns alone are read. A cell is a number, a
 * word, or JSON as exports write it; an empty one is a parameter that is left out. ERR_INVALID with
 * the line; ERR_NOMEM. */
MUST_USE int configurations_from_csv(const char *text, json_t *list, struct err *err);

#endif
