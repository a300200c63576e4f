/* A study as a journal of Optuna, which optuna.load_study(), optuna.visualization and
 * optuna-dashboard read: one operation that makes the study, some for its attributes, and one for
 * each trial with all it has.
 *
 * Optuna knows fewer kinds of things: what it cannot say is said on stderr, once for each kind. */
#ifndef WORKER_CLI_SHOW_OPTUNA_JOURNAL_H
#define WORKER_CLI_SHOW_OPTUNA_JOURNAL_H

#include "common/err.h"
#include "worker/cli/session.h"

/* Of the study that the verb's first argument names, to stdout. Two calls to the server a trial. */
MUST_USE int optuna_journal_print(struct session *session, struct err *err);

#endif
