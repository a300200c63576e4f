/* When the batch system takes the machine away, where this is a job of one. */
#ifndef WORKER_AGENT_BATCH_DEADLINE_H
#define WORKER_AGENT_BATCH_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

/* Fills *deadline_ms, monotonic; INT64_MAX: this is no job of Slurm's, it has no limit, or its
 * limit is not known, which is logged. By SLURM_JOB_END_TIME, else by asking squeue for the time
 * left of this job, once: the task of SLURM_ARRAY_JOB_ID and SLURM_ARRAY_TASK_ID, else
 * SLURM_JOB_ID. */
void batch_deadline_find(const struct clock *clock, int64_t *deadline_ms);

/* Reads a time as squeue prints it: [DAYS-][HOURS:]MINUTES:SECONDS. False: it is none, such as
 * UNLIMITED. */
bool batch_time_read(const char *text, int64_t *seconds);

#endif
