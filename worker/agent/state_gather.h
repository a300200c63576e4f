/* What other workers of this name have left in state directories that nobody holds: spools, each
 * with the files of its job. A job that may be alive stays where it is, for a worker that takes
 * that directory; so does what cannot be moved. */
#ifndef WORKER_AGENT_STATE_GATHER_H
#define WORKER_AGENT_STATE_GATHER_H

#include <stdbool.h>
#include <stddef.h>

/* Where to look. All borrowed. */
struct state_gather {
    const char *own;     /* the state directory of this worker */
    const char *workdir; /* the others are in WORKDIR/workers/NAME, NAME.2, … */
    const char *name;
    const char *host;
};

/* Moves all that is left to `own`, under names from `first` on: slot-FIRST.spool and so on. */
void state_gather_all(const struct state_gather *gather, size_t first);
/* Moves one that holds a trial of this server to `to`, a spool's path in `own`, in place of what is
 * there. False: there is none. */
bool state_gather_one(const struct state_gather *gather, const char *server, const char *to);

#endif
