/* One running job as the agent sees it: three pipes and the channel to its shim (shim.h). The
 * supervisor decides what is sent when; this module sends it. */
#ifndef WORKER_AGENT_RUNNER_H
#define WORKER_AGENT_RUNNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/own.h"
#include "worker/agent/attempt_id.h"
#include "worker/agent/boundary/boundary.h"
#include "worker/agent/copy_tree.h"
#include "worker/agent/job_record.h"
#include "worker/agent/kept_files.h"
#include "worker/agent/shim.h"
#include "worker/agent/supervisor.h"

struct runner {
    pid_t shim;                /* 0: none */
    pid_t job;                 /* its leader, process group and session; 0 until known */
    int streams[STREAM_COUNT]; /* stdout, stderr, JSON by line; -1: closed */
    int status_fd;         /* the channel: readable when runner_advance() has something to read */
    bool calls;            /* runner_adopt() has called there, and nobody has answered yet */
    bool killed;           /* we sent SIGKILL */
    bool ended;            /* nothing of the job is left, or `survivor` is */
    bool keeps;            /* the shim stays until runner_done(), or without us */
    bool told;             /* the shim has said how it ended */
    pid_t survivor;        /* could not be killed; 0: none */
    int spawn_errno;       /* the program could not be started */
    bool lacks_checkpoint; /* … because its checkpoint could not be copied */
    int wait_status;
    int64_t peak_kib;
    int64_t oom_kills; /* of its processes, for want of memory; -1: unknown */

    char attempt_id[ATTEMPT_ID_BYTES];
    char *leaf;          /* its cgroup; owned; NULL: none */
    bool cleaning;       /* the shim was killed, and what it left is being ended */
    int64_t clean_at_ms; /* the next time */
    int64_t give_up_at_ms;
};

/* One without a job. */
void runner_init(struct runner *runner);

/* Finds a program as execvp() would, from this process's directory and PATH. Fills a malloc'd
 * path. */
MUST_USE int runner_find(const char *program, char **path, struct err *err);

/* The job survives this process for so long. */
struct runner_keep {
    const struct kept_files *files;
    int64_t span_ms;
};

struct runner_spec {
    const char *path;
    char *const *argv;
    char *const *envp;
    const struct copy_tree *copy; /* the checkpoint to begin with; NULL: none */
    const struct boundary *boundary;
    const char *attempt_id;         /* as in its environment */
    const struct runner_keep *keep; /* NULL: it ends with this process */
    int64_t empty_ms; /* from SIGKILL until something counts as unkillable; 0: 10 seconds */
};

/* ERR_IO: no process or pipe could be had. That the program itself cannot run is known later, by
 * spawn_errno. */
MUST_USE int runner_start(struct runner *runner, const struct runner_spec *given, struct err *err);
enum runner_adopted {
    RUNNER_ADOPTED,
    RUNNER_GONE,  /* it is not there any more */
    RUNNER_SILENT /* it is there and does not answer, as one that is stopped: call again */
};
/* Takes over the job of a process that has ended, from its shim, which waits at `socket`. Waits a
 * second for its answer, the first time. `runner` is without a job. ERR_IO: it is another one, or
 * this user may not. */
MUST_USE int runner_adopt(struct runner *runner, const char *socket,
                          const struct job_record *record, struct err *err);
/* How the job ended and what it printed is recorded: its shim may go. */
void runner_done(const struct runner *runner);
/* Reads the shim's messages; `ended` tells whether the job is gone. */
void runner_advance(struct runner *runner);
/* Ends what a shim that was killed has left, a little at a time. */
void runner_tick(struct runner *runner, int64_t now_ms);
/* When runner_tick() has something to do; INT64_MAX: never. */
int64_t runner_deadline(const struct runner *runner);
/* Has the shim carry out the act. */
void runner_act(struct runner *runner, enum job_act act);
/* Kills what still runs and waits for it. */
void runner_finish(struct runner *runner);
OWN_VALUE(runner)

#endif
