/* The small process between the agent and a job, one for each: it owns the kill boundary.
 *
 * It has a session of its own and the name "hone-shim", starts the job in another session, adopts
 * the job's orphans (it is their subreaper), and ends all of them when told to, when the job's
 * leader has ended, and when the agent has ended, even by SIGKILL. It is a fork of the agent
 * without an exec, so it makes system calls and nothing else.
 *
 * It is one end of the channel, a pair of sockets that keep the borders of what is sent: commands
 * come, messages go. That the channel ends means that the agent has ended, or the shim. */
#ifndef WORKER_AGENT_SHIM_H
#define WORKER_AGENT_SHIM_H

#include <stdint.h>
#include <sys/types.h>

#include "worker/agent/boundary/boundary.h"
#include "worker/agent/copy_tree.h"

/* The descriptor on which the job may write JSON reports. */
#define SHIM_METRICS_FD 3
#define SHIM_NAME "hone-shim"

/* What a job writes to, each with a pipe of its own. */
enum runner_stream { STREAM_OUTPUT, STREAM_ERRORS, STREAM_METRICS, STREAM_COUNT };

struct shim_keep;

struct shim_spec {
    char *const *argv;
    char *const *envp;
    const char *path;             /* the program, found already */
    const struct copy_tree *copy; /* made before it starts; NULL: none */
    const struct boundary *boundary;
    const char *leaf;             /* the job's cgroup; NULL: none */
    int writers[STREAM_COUNT];    /* the job's ends of its pipes */
    int readers[STREAM_COUNT];    /* the other ends: only to see whether all writers have gone */
    const struct shim_keep *keep; /* the job survives the agent; NULL: it does not */
    int channel;
    pid_t agent;
    int64_t linger_ms; /* after its leader, what still holds a pipe gets so long to end */
    int64_t empty_ms;  /* … after SIGKILL, before it is said that it cannot be killed */
};

/* SHIM_DONE: the agent has recorded how the job ended, and what it printed. */
enum shim_command { SHIM_TERMINATE = 1, SHIM_KILL, SHIM_DONE };

enum shim_message_kind {
    SHIM_STARTED,
    SHIM_FAILED,
    SHIM_NO_CHECKPOINT,
    SHIM_UNKILLABLE,
    SHIM_ENDED
};

struct shim_message {
    int32_t kind;
    int32_t value; /* started: the job's pid; failed, no checkpoint: errno; unkillable: which
                      process; ended: the leader's wait status */
    int64_t peak_kib;
};

/* In the child of a fork; never returns. */
_Noreturn void shim_run(const struct shim_spec *spec);

#endif
