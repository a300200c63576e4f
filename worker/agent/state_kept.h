/* Jobs that a killed worker of another server has left in a state directory, and that still run. A
 * worker there would make its own jobs' files in the place of theirs. */
#ifndef WORKER_AGENT_STATE_KEPT_H
#define WORKER_AGENT_STATE_KEPT_H

#include "common/err.h"

/* 0: there is none. ERR_LOCKED: there is one, and of which server; its lock is not looked at. */
MUST_USE int state_kept_check(const char *state_dir, const char *server, struct err *err);

#endif
