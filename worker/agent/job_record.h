/* Whose processes are those of a slot: written before its job starts, so that the next agent finds
 * what a killed one has left. */
#ifndef WORKER_AGENT_JOB_RECORD_H
#define WORKER_AGENT_JOB_RECORD_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"
#include "worker/agent/attempt_id.h"

#define JOB_RECORD_WORD 64

struct job_record {
    char attempt_id[ATTEMPT_ID_BYTES];
    char boot[JOB_RECORD_WORD];      /* of the machine, when it began */
    pid_t shim;                      /* 0: not known yet */
    unsigned long long shim_started; /* in the kernel's ticks */
    bool keeps;                      /* the shim waits for another agent */
    char reports[JOB_RECORD_WORD];   /* name of the socket for `hone report`; "-": none */
    char leaf[PATH_MAX];             /* its cgroup; "-": none */
};

/* Replaces the file as a whole. ERR_IO. */
MUST_USE int job_record_write(const char *path, const struct job_record *record, struct err *err);
/* False: there is none that can be read. */
bool job_record_read(const char *path, struct job_record *record);
/* Does the shim that it names live? */
bool job_record_lives(const struct job_record *record);
/* The id of the machine's present boot. */
void job_record_boot(char boot[JOB_RECORD_WORD]);

#endif
