/* What to write for a program whose output has numbers and no report. */
#ifndef WORKER_CLI_VERBS_WORKER_TRY_HINT_H
#define WORKER_CLI_VERBS_WORKER_TRY_HINT_H

#include "common/buf.h"

/* Appends the first lines of `text` that have a number, and an expression that reads one of them:
 * that which follows `metric`, or a name where `metric` is NULL. Appends nothing where no line has
 * a number. */
void worker_try_hint(const char *text, const char *metric, struct buf *out);

#endif
