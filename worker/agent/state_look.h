/* What workers that do not run have left to be delivered, seen without touching it. */
#ifndef WORKER_AGENT_STATE_LOOK_H
#define WORKER_AGENT_STATE_LOOK_H

#include <limits.h>
#include <stddef.h>

#include "common/err.h"

struct state_seen {
    size_t n_workers;     /* that run, or run on another host as far as can be known */
    size_t n_waiting;     /* attempts that nobody delivers */
    char first[PATH_MAX]; /* the state directory of one of these; "": there is none */
    char server[256];     /* … and the server that it is for */
};

/* Looks through WORKDIR/workers. A work directory that is not there has nothing. ERR_IO: it cannot
 * be read; ERR_NOMEM. */
MUST_USE int state_look(const char *workdir, struct state_seen *seen, struct err *err);

#endif
