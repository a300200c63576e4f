/* hone submit slurm --follow: keeps as many tasks in the queue as the study has use for. */
#ifndef WORKER_CLI_VERBS_SUBMIT_FOLLOW_H
#define WORKER_CLI_VERBS_SUBMIT_FOLLOW_H

#include "worker/cli/session.h"
#include "worker/cli/submit/plan.h"
#include "worker/cli/submit/script.h"

struct submission {
    struct script script;
    int64_t tasks_max, at_once, slots_per_task;
    int64_t limit_seconds; /* of a task; -1: unknown */
    double interval_seconds;
};

/* Fills the view of this moment, with one call of squeue and of the server's list of workers. */
struct task_queue;
MUST_USE int submission_look(struct session *session, const struct submission *submission,
                             const json_t *study, struct task_queue *queue,
                             struct submit_view *view, struct err *err);

/* Until the study is finished or stopped; then cancels the tasks that still wait. */
MUST_USE int submission_follow(struct session *session, const struct submission *submission,
                               struct err *err);

#endif
