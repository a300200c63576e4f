/* One running job as the agent sees it: four pipes and a shim (shim.h) to send signals to. The
 * supervisor decides what is sent when; this module sends it. */
#ifndef WORKER_AGENT_RUNNER_H
#define WORKER_AGENT_RUNNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/own.h"
#include "worker/agent/copy_tree.h"
#include "worker/agent/supervisor.h"

/* What a job writes to, each with a pipe of its own. */
enum runner_stream { STREAM_OUTPUT, STREAM_ERRORS, STREAM_METRICS, STREAM_COUNT };

struct runner {
    pid_t shim;                /* 0: none */
    pid_t job;                 /* its process group too; 0 until known */
    int streams[STREAM_COUNT]; /* stdout, stderr, JSON by line; -1: closed */
    int status_fd;             /* readable when runner_advance() has something to read */
    bool killed;               /* we sent SIGKILL */
    bool ended;                /* nothing of the job is left */
    int spawn_errno;           /* the program could not be started */
    bool lacks_checkpoint;     /* … because its checkpoint could not be copied */
    int wait_status;
    int64_t peak_kib;
};

/* One without a job. */
void runner_init(struct runner *runner);

/* Finds a program as execvp() would, from this process's directory and PATH. Fills a malloc'd
 * path. */
MUST_USE int runner_find(const char *program, char **path, struct err *err);

struct runner_spec {
    const char *path;
    char *const *argv;
    char *const *envp;
    const struct copy_tree *copy; /* the checkpoint to begin with; NULL: none */
};

/* ERR_IO: no process or pipe could be had. That the program itself cannot run is known later, by
 * spawn_errno. */
MUST_USE int runner_start(struct runner *runner, const struct runner_spec *given, struct err *err);
/* Reads the shim's messages; `ended` tells whether the job is gone. */
void runner_advance(struct runner *runner);
/* Sends the shim the signal that carries out the act. */
void runner_act(struct runner *runner, enum job_act act);
/* Kills what still runs and waits for it. */
void runner_finish(struct runner *runner);
OWN_VALUE(runner)

#endif
