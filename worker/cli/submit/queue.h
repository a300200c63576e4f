/* What squeue says of the tasks of a study: one call shows them all. */
#ifndef WORKER_CLI_SUBMIT_QUEUE_H
#define WORKER_CLI_SUBMIT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"

/* What squeue is asked for: "12_3|PENDING|(Resources)". */
#define QUEUE_FORMAT "%i|%T|%r"

struct queue_task {
    char id[40]; /* "12_3" */
    bool is_pending;
};

struct queue {
    struct queue_task *tasks;
    size_t n, size;
    size_t n_pending;
    char reason[64]; /* why the first pending one waits; "" */
};

/* Reads squeue's lines into a zeroed queue. Tasks that are about to end are left out. */
MUST_USE int queue_read(const char *lines, struct queue *queue, struct err *err);
void queue_finish(struct queue *queue);
OWN_VALUE(queue)

/* Is one of the tasks of this job still there? */
bool queue_has_job(const struct queue *queue, const char *job);
/* Was the worker, "12_3@node:0", started by a task of a job that is in the queue? */
bool queue_has_worker(const struct queue *queue, const char *worker);

#endif
