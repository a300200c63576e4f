/* The small process between the agent and a job: it owns the kill boundary.
 *
 * It leads no process group; it waits for the job, adopts its orphans (it is their subreaper), and
 * kills all of them when signalled, when the job's leader has ended, and when the agent has ended,
 * even by SIGKILL. It is a fork of the agent without an exec, so it makes system calls and nothing
 * else. */
#ifndef WORKER_AGENT_SHIM_H
#define WORKER_AGENT_SHIM_H

#include <stdint.h>
#include <sys/types.h>

#include "worker/agent/copy_tree.h"

/* Signals the agent sends to its shim. */
#define SHIM_TERMINATE SIGTERM /* SIGTERM, then SIGCONT, to the job's group */
#define SHIM_KILL SIGUSR1      /* SIGKILL to the group and to every descendant */

/* The descriptor on which the job may write JSON reports. */
#define SHIM_METRICS_FD 3

struct shim_spec {
    char *const *argv;
    char *const *envp;
    const char *path;             /* the program, found already */
    const struct copy_tree *copy; /* made before it starts; NULL: none */
    int output_fd;                /* becomes stdout */
    int errors_fd;                /* becomes stderr */
    int metrics_fd;               /* becomes SHIM_METRICS_FD */
    int status_fd;                /* receives struct shim_message */
    pid_t agent;
};

enum shim_message_kind { SHIM_STARTED, SHIM_FAILED, SHIM_NO_CHECKPOINT, SHIM_ENDED };

struct shim_message {
    int32_t kind;
    int32_t value; /* started: the job's pid; failed, no checkpoint: errno; ended: its wait
                      status */
    int64_t peak_kib;
};

/* In the child of a fork; never returns. */
_Noreturn void shim_run(const struct shim_spec *spec);

#endif
