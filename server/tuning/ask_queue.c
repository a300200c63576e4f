#include "server/tuning/ask_queue.h"

#include <stdlib.h>

#include "server/state/studies.h"

/* Id 0 has a place in the table as any other. */
static int queue_find(struct tuning *tuning, int64_t study, struct ask_queue **queue,
                      struct err *err)
{
    struct ask_queue *found = map_get(&tuning->queue_by_study, (uint64_t)study);

    if (found == NULL) {
        found = calloc(1, sizeof *found);
        if (found == NULL || map_put(&tuning->queue_by_study, (uint64_t)study, found, err) != 0) {
            free(found);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        found->study = study;
        found->next = tuning->queues;
        tuning->queues = found;
    }
    *queue = found;
    return 0;
}

static void queue_drop(struct tuning *tuning, struct ask_queue *queue)
{
    struct ask_queue **at = &tuning->queues;

    while (*at != queue) {
        at = &(*at)->next;
    }
    *at = queue->next;
    (void)map_take(&tuning->queue_by_study, (uint64_t)queue->study);
    free(queue);
}

int ask_queue_enter(struct tuning *tuning, struct ask *ask, struct err *err)
{
    const char *named = ask->command->in.study;
    const struct live_study *study = named[0] == '\0' ? NULL : study_named(&tuning->state, named);
    struct ask_queue *queue = NULL;

    TRY(queue_find(tuning, study == NULL ? 0 : study->row.id, &queue, err));
    ask->queue = queue;
    ask->before = queue->last;
    ask->behind = NULL;
    *(queue->last == NULL ? &queue->first : &queue->last->behind) = ask;
    queue->last = ask;
    return 0;
}

/* A queue that is empty stays until asks_hope() finds it: the next ask may be for the same study.
 */
void ask_queue_leave(struct ask *ask)
{
    struct ask_queue *queue = ask->queue;

    if (queue == NULL) {
        return;
    }
    queue->at = queue->at == ask ? ask->behind : queue->at;
    *(ask->before == NULL ? &queue->first : &ask->before->behind) = ask->behind;
    *(ask->behind == NULL ? &queue->last : &ask->behind->before) = ask->before;
    ask->queue = NULL;
}

int asks_find_studies(struct tuning *tuning, struct err *err)
{
    for (struct ask *ask = tuning->asks; ask != NULL; ask = ask->next) {
        ask_queue_leave(ask);
        TRY(ask_queue_enter(tuning, ask, err));
    }
    return 0;
}

void ask_queues_finish(struct tuning *tuning)
{
    while (tuning->queues != NULL) {
        queue_drop(tuning, tuning->queues);
    }
    map_finish(&tuning->queue_by_study);
}

/* ---- those whose study may have something ---- */

static bool has_hope(const struct tuning *tuning, const struct live_study *study)
{
    return study->row.state == STUDY_RUNNING && study->no_offer != tuning->dispatches;
}

/* A study that has nothing to hand out stays so until the next dispatch: none before *from has. */
static bool any_hope(const struct tuning *tuning, const struct live_study **from)
{
    while (*from != NULL && !has_hope(tuning, *from)) {
        *from = (*from)->next;
    }
    return *from != NULL;
}

static bool queue_has_hope(const struct tuning *tuning, const struct ask_queue *queue,
                           const struct live_study **from)
{
    const struct live_study *study =
        queue->study == 0 ? NULL : map_get(&tuning->state.study_by_id, (uint64_t)queue->study);

    return study == NULL ? any_hope(tuning, from) : has_hope(tuning, study);
}

void asks_hope(struct tuning *tuning, struct hopeful_asks *hopeful)
{
    struct ask_queue *next;

    *hopeful = (struct hopeful_asks){.from = tuning->state.studies};
    for (struct ask_queue *queue = tuning->queues; queue != NULL; queue = next) {
        next = queue->next;
        if (queue->first == NULL) {
            queue_drop(tuning, queue);
        } else if (queue_has_hope(tuning, queue, &hopeful->from)) {
            queue->at = queue->first;
            queue->next_hopeful = hopeful->queues;
            hopeful->queues = queue;
        }
    }
}

struct ask *asks_next(const struct tuning *tuning, struct hopeful_asks *hopeful, uint64_t before)
{
    struct ask_queue *earliest = NULL;

    for (struct ask_queue **at = &hopeful->queues; *at != NULL;) {
        struct ask_queue *queue = *at;
        if (queue->at == NULL || queue->at->arrival >= before
            || !queue_has_hope(tuning, queue, &hopeful->from)) {
            *at = queue->next_hopeful;
            continue;
        }
        if (earliest == NULL || queue->at->arrival < earliest->at->arrival) {
            earliest = queue;
        }
        at = &queue->next_hopeful;
    }
    if (earliest == NULL) {
        return NULL;
    }
    struct ask *ask = earliest->at;
    earliest->at = ask->behind;
    return ask;
}
