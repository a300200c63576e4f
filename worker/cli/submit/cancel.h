/* Takes back tasks that wait, and no others. */
#ifndef WORKER_CLI_SUBMIT_CANCEL_H
#define WORKER_CLI_SUBMIT_CANCEL_H

#include "worker/cli/submit/task_queue.h"

/* Cancels the last n of the tasks of the study's queue that wait, some hundreds at most, and marks
 * them there; one that has started meanwhile goes on. */
MUST_USE int task_queue_cancel(const char *study, struct task_queue *queue, size_t n,
                               struct err *err);

#endif
