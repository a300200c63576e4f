/* The calls of Slurm that `hone submit slurm` makes. */
#ifndef WORKER_CLI_SUBMIT_SLURM_H
#define WORKER_CLI_SUBMIT_SLURM_H

#include "worker/cli/submit/script.h"
#include "worker/cli/submit/task_queue.h"

#define SLURM_JOB_BYTES 24

/* job ← the id of the array that sbatch has made. */
MUST_USE int slurm_submit(const struct script *script, int64_t tasks, int64_t at_once,
                          char job[SLURM_JOB_BYTES], struct err *err);
/* *queue, zeroed, ← the user's own tasks for this study. */
MUST_USE int slurm_queue(const char *study, struct task_queue *queue, struct err *err);
/* Any other program of Slurm. Why it failed is its first line. */
MUST_USE int slurm_call(const char *const argv[], struct err *err);

#endif
