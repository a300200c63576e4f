/* The best trial of a study with one objective. */
#ifndef WORKER_CLI_SHOW_BEST_H
#define WORKER_CLI_SHOW_BEST_H

#include <jansson.h>
#include <stdio.h>

#include "worker/cli/session.h"

/* What …/best answers for the study that the verb's first argument names, with which trial is
 * recommended where evaluations are noisy, if the server can tell. Errors as with session_get(). */
MUST_USE int best_get(struct session *session, json_t **best, struct err *err);
/* The best trial as "name  value" lines in full precision, and a sentence where another one is
 * recommended. `best` is the answer of …/best. */
void best_print(FILE *out, const json_t *study, const json_t *best);

#endif
