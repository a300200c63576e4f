/* hone submit slurm --follow: keeps as many tasks in the queue as the study has use for. */
#ifndef WORKER_CLI_VERBS_SUBMIT_FOLLOW_H
#define WORKER_CLI_VERBS_SUBMIT_FOLLOW_H

#include "worker/cli/session.h"
#include "worker/cli/submit/fit.h"
#include "worker/cli/submit/plan.h"
#include "worker/cli/submit/script.h"

struct submission {
    struct script script;
    int64_t tasks_max, at_once, slots_per_task;
    int64_t limit_seconds; /* of a task; -1: unknown */
    double interval_seconds;
};

/* What there is at one moment. */
struct submission_now {
    struct task_queue queue;
    struct elsewhere elsewhere;
    struct submit_view view;
};

static inline void submission_now_finish(struct submission_now *now)
{
    task_queue_finish(&now->queue);
}
OWN_VALUE(submission_now)

/* Fills *now, zeroed, with the server's list of workers and one call of squeue. Where squeue cannot
 * be asked and need not be, that is said, and the queue is taken for empty. */
MUST_USE int submission_look(struct session *session, const struct submission *submission,
                             const json_t *study, bool must_have_queue, struct submission_now *now,
                             struct err *err);

/* Until the study is finished or stopped; then cancels the tasks that still wait. */
MUST_USE int submission_follow(struct session *session, const struct submission *submission,
                               struct err *err);

#endif
