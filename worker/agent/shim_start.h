/* How a shim starts its job: inside the kill boundary, in a session of its own, with nothing of the
 * agent's but what was meant for it. */
#ifndef WORKER_AGENT_SHIM_START_H
#define WORKER_AGENT_SHIM_START_H

#include "worker/agent/shim.h"

struct shim_job {
    pid_t leader;  /* its process group and session too */
    pid_t child;   /* of the shim: the leader, or the first process of its namespace */
    int leader_fd; /* namespace: the leader's wait status comes here; -1: it is our child */
};

/* Returns 0 when the program runs, else an errno. */
MUST_USE int shim_start(const struct shim_spec *spec, struct shim_job *job);

#endif
