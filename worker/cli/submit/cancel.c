#include "worker/cli/submit/cancel.h"

#include <string.h>

#include "worker/cli/submit/slurm.h"

/* `scancel --state=PENDING 12_3` of Slurm 22.05 cancels every task that waits in job 12, as long as
 * they are one record of its controller, and `scancel 12_3` would end a task that has just started.
 * So the tasks are held, which makes each a record of its own and keeps it from starting; those
 * that the queue then shows held are cancelled; the others are released, since a task that started
 * before it was held would stay held when it is queued again. */

enum { CANCEL_MAX = 256 };

struct picked_tasks {
    struct queue_task *tasks[CANCEL_MAX];
    size_t n;
};

static void choose(struct picked_tasks *chosen, struct queue_task *task)
{
    if (chosen->n < CANCEL_MAX) {
        chosen->tasks[chosen->n++] = task;
    }
}

static int call_with(const char *program, const char *option, const struct picked_tasks *chosen,
                     struct err *err)
{
    const char *argv[CANCEL_MAX + 3] = {program, option};

    for (size_t i = 0; i < chosen->n; i++) {
        argv[i + 2] = chosen->tasks[i]->id;
    }
    return chosen->n == 0 ? 0 : slurm_call(argv, err);
}

/* Cancels what cannot start any more; `others` ← what else was chosen. */
static int cancel_held(const char *study, const struct picked_tasks *chosen,
                       struct picked_tasks *others, struct err *err)
{
    OWN(task_queue) struct task_queue now = {0};
    struct picked_tasks held = {.n = 0};

    *others = *chosen; /* where it is not known what is held */
    TRY(slurm_queue(study, &now, err));
    others->n = 0;
    for (size_t i = 0; i < chosen->n; i++) {
        choose(task_queue_holds(&now, chosen->tasks[i]->id) ? &held : others, chosen->tasks[i]);
    }
    for (size_t i = 0; i < held.n; i++) {
        held.tasks[i]->is_cancelled = true;
    }
    int rc = call_with("scancel", "--state=PENDING", &held, err);
    if (rc != 0) {
        *others = *chosen;
    }
    return rc;
}

int task_queue_cancel(const char *study, struct task_queue *queue, size_t n, struct err *err)
{
    struct picked_tasks chosen = {.n = 0};
    struct picked_tasks others;
    struct err not_held = {0};
    struct err ignored = {0};

    for (size_t i = queue->n; i-- > 0 && chosen.n < n;) {
        if (queue->tasks[i].is_pending) {
            choose(&chosen, &queue->tasks[i]);
        }
        if (chosen.n == CANCEL_MAX) {
            break;
        }
    }
    int held = call_with("scontrol", "hold", &chosen, &not_held); /* perhaps some of them only */
    int rc = cancel_held(study, &chosen, &others, err);
    if (call_with("scontrol", "release", &others, &ignored) != 0 || rc != 0) {
        return rc; /* a task that has ended meanwhile cannot be released, nor need be */
    }
    if (held != 0 && others.n == chosen.n) {
        *err = not_held;
        return held;
    }
    return 0;
}
