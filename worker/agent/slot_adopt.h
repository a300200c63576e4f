/* A slot takes up the job of an earlier worker that was to survive it, or what is known of its end.
 */
#ifndef WORKER_AGENT_SLOT_ADOPT_H
#define WORKER_AGENT_SLOT_ADOPT_H

#include "worker/agent/slot_state.h"

enum slot_adopted {
    SLOT_ADOPTED_NOTHING, /* the job is gone, and so is what it printed */
    SLOT_ADOPT_AGAIN,     /* its shim is ending: look again */
    SLOT_ADOPT_SILENT,    /* its shim does not answer: look again; the slot holds its devices */
    SLOT_ADOPT_FAILED,    /* it could not be taken up, which was told, and was ended */
    SLOT_ADOPTED          /* the slot is RUNNING, with the job or with its end */
};

/* The grant, the folder and the lease are restored, and the spool says that so many reports were
 * `measured`. `gpu` are the job's devices; NULL: those that the slot holds. */
enum slot_adopted slot_adopt(struct slot *slot, uint64_t measured, const char *gpu);

/* Ends the shim that does not answer; looking again finds the end of its job. */
void slot_adopt_kill(const struct slot *slot);

#endif
