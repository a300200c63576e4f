/* A process of an ended job that SIGKILL did not end, because the kernel holds it: its slot runs
 * nothing until it is gone, since it may hold the slot's device, memory or files. */
#ifndef WORKER_AGENT_STUCK_H
#define WORKER_AGENT_STUCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker/agent/runner.h"

struct stuck {
    pid_t process; /* 0: none */
    pid_t shim;    /* stays with it; 0: none */
    int64_t look_at_ms;
};

/* Takes over what the runner could not end; true when there is something. */
bool stuck_take(struct stuck *stuck, const struct runner *runner);
/* Is it still there? Looks once a second. */
bool stuck_holds(struct stuck *stuck, int64_t now_ms);
/* When stuck_holds() looks again; INT64_MAX: never. */
int64_t stuck_deadline(const struct stuck *stuck);
/* "unkillable process 123 (python3) in state D" */
void stuck_describe(const struct stuck *stuck, char *text, size_t size);

#endif
