/* What the server knows that a batch system must be told: how many workers, and for how long. */
#ifndef WORKER_CLI_SUBMIT_FIT_H
#define WORKER_CLI_SUBMIT_FIT_H

#include "worker/cli/session.h"
#include "worker/cli/submit/task_queue.h"

/* Slots of workers that are not among the queue's tasks. */
struct elsewhere {
    int64_t slots;
    char whose[256]; /* the workers, as many as have room: "gpu07:0, gpu07:1"; "" */
};

/* *elsewhere ← what runs the study's trials. A worker that waits does not count: the server does
 * not tell for which studies it does. */
MUST_USE int fit_slots_elsewhere(struct session *session, const char *study,
                                 const struct task_queue *queue, struct elsewhere *elsewhere,
                                 struct err *err);
/* *seen ← whether a worker of this job has ever asked the server. */
MUST_USE int fit_job_was_seen(struct session *session, const char *job, bool *seen,
                              struct err *err);
/* ERR_INVALID where half of the last trials took longer than a limit of so many seconds leaves them
 * (with `resource` they go on from their checkpoints, and nothing is refused). */
MUST_USE int fit_time(struct session *session, const json_t *study, int64_t limit_seconds,
                      struct err *err);

#endif
