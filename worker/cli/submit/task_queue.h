/* What squeue says of the tasks of a study: one call shows them all. */
#ifndef WORKER_CLI_SUBMIT_TASK_QUEUE_H
#define WORKER_CLI_SUBMIT_TASK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"

/* What squeue is asked for: "12_3|PENDING|(Resources)". */
#define QUEUE_FORMAT "%i|%T|%r"

struct queue_task {
    char id[40]; /* "12_3" */
    bool is_pending;
    bool is_held;      /* by its user or an administrator: it does not start */
    bool is_cancelled; /* by this program, since the queue was read */
};

struct task_queue {
    struct queue_task *tasks;
    size_t n, size;
    size_t n_pending;
    char reason[64]; /* why the first pending one waits; "" */
};

/* Reads squeue's lines into a zeroed queue. Tasks that are about to end are left out. */
MUST_USE int task_queue_read(const char *lines, struct task_queue *queue, struct err *err);
void task_queue_finish(struct task_queue *queue);
OWN_VALUE(task_queue)

/* Does this task wait, and is it held? */
bool task_queue_holds(const struct task_queue *queue, const char *task);
/* How many tasks of this job were cancelled since the queue was read. */
size_t task_queue_cancelled(const struct task_queue *queue, const char *job);
/* Is one of the tasks of this job still there? */
bool task_queue_has_job(const struct task_queue *queue, const char *job);
/* Was the worker, "12_3@node:0", started by a task of a job that is in the queue? */
bool task_queue_has_worker(const struct task_queue *queue, const char *worker);

#endif
