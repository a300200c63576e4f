/* The batch script of `hone submit slurm`: its own #SBATCH lines and command, and the body of
 * deploy/slurm/array.sbatch, which the build embeds. */
#ifndef WORKER_CLI_SUBMIT_SCRIPT_H
#define WORKER_CLI_SUBMIT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

/* deploy/slurm/array.sbatch, one text. */
extern const char *const array_script[];
extern const int array_script_count;

struct script {
    const char *study;
    const char *url, *token_file, *ca_file; /* NULL or "": none */
    const char *program;                    /* this program, by its absolute path */
    int64_t gpus;                           /* of a task; 0: none */
    bool leaves_when_idle;        /* another task can be submitted when there is work again */
    const char *time, *partition; /* NULL: the cluster's default */
    const char *const *sbatch;    /* further options of sbatch */
    size_t n_sbatch;
    const char *const *worker; /* further options of `hone worker` */
    size_t n_worker;
    char *const *command;
    size_t n_command;
};

/* The name of the study's jobs, by which squeue finds them. */
#define SCRIPT_JOB_BYTES 80
const char *script_job(const char *study, char name[SCRIPT_JOB_BYTES]);

/* Appends the script for `tasks` tasks, `at_once` of which may run at once (0: all). ERR_INVALID
 * where an option of sbatch would not stay within its line. */
MUST_USE int script_write(const struct script *script, int64_t tasks, int64_t at_once,
                          struct buf *out, struct err *err);

#endif
