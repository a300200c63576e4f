/* A process of an ended job that SIGKILL did not end, because the kernel holds it: its slot runs
 * nothing until it is gone, since it may hold the slot's device, memory or files. */
#ifndef WORKER_AGENT_UNKILLABLE_H
#define WORKER_AGENT_UNKILLABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker/agent/runner.h"

struct unkillable {
    pid_t process; /* 0: none */
    pid_t shim;    /* stays with it; 0: none */
    int64_t look_at_ms;
};

/* Takes over what the runner could not end; true when there is something. */
bool unkillable_take(struct unkillable *unkillable, const struct runner *runner);
/* Is it still there? Looks once a second. */
bool unkillable_holds(struct unkillable *unkillable, int64_t now_ms);
/* When unkillable_holds() looks again; INT64_MAX: never. */
int64_t unkillable_deadline(const struct unkillable *unkillable);
/* "unkillable process 123 (python3) in state D" */
void unkillable_describe(const struct unkillable *unkillable, char *text, size_t size);

#endif
