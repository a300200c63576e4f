/* What a shim does for a job that is to survive the agent (--keep-jobs): without an agent it keeps
 * the job and its pipes for a while, hands them to the next agent that calls, and otherwise writes
 * down how the job ended and what it has printed. In the fork: system calls and nothing else. */
#ifndef WORKER_AGENT_SHIM_KEEP_H
#define WORKER_AGENT_SHIM_KEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker/agent/attempt_id.h"
#include "worker/agent/shim.h"

struct shim_keep {
    int64_t span_ms; /* so long without an agent */
    const char *attempt_id;
    int socket;                        /* bound; the shim listens */
    const char *printed[STREAM_COUNT]; /* files to which the pipes' rest is appended */
    const char *exit_path;             /* the record of its end, … */
    const char *exit_new;              /* … while it is incomplete */
};

/* The first message to an agent that calls; with it come the readers of the job's pipes. */
struct shim_hello {
    char attempt_id[ATTEMPT_ID_BYTES];
    int32_t shim, leader;
};

/* How the job ended. */
struct shim_exit {
    int status;      /* of its leader */
    bool was_killed; /* no agent called in time */
    int64_t peak_kib, oom_kills;
};

/* Makes ready for calls. False: the socket cannot be listened to. */
bool shim_keep_listen(void);
/* Answers a call. Returns the channel to the new agent; -1: the caller was none of this user's. */
int shim_keep_answer(const struct shim_keep *keep, pid_t leader);
/* Nobody has taken the job over, and it has ended: keeps what is in its pipes, then the record. */
void shim_keep_end(const struct shim_keep *keep, const struct shim_exit *ended);

/* False: there is none of this attempt. */
bool shim_keep_read_exit(const char *path, const char *attempt_id, struct shim_exit *ended);

#endif
