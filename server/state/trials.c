#include "server/state/trials.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/state/checkpoints.h"
#include "server/state/leases.h"
#include "server/state/tried.h"

struct live_trial *trial_live(const struct state *state, int64_t id)
{
    return map_get(&state->trial_by_id, (uint64_t)id);
}

/* *value ← what the attempt has measured last, if it has. */
static void newest_of(const struct live_lease *lease, const char *metric, double *value)
{
    for (size_t i = 0; i < lease->n_last; i++) {
        if (strcmp(lease->study->metrics[lease->last[i].metric], metric) == 0) {
            *value = lease->last[i].value;
        }
    }
}

void trial_newest_bounded(const struct live_trial *trial, const struct study_def *def,
                          double bounded[BOUNDS_MAX])
{
    for (size_t i = 0; i < def->n_bounds; i++) {
        bool has_ended = trial == NULL || trial->lease == NULL || trial->lease->row.has_result;
        bounded[i] =
            trial != NULL && i < trial->row.n_bounded ? trial->row.bounded[i] : (double)NAN;
        if (!has_ended) {
            newest_of(trial->lease, def->bounds[i].metric, &bounded[i]);
        }
    }
}

void trial_note_violation(const struct live_trial *trial)
{
    const struct study_def *def = trial->study->def;
    double bounded[BOUNDS_MAX];

    if (def->n_objectives > 1 && def->n_bounds > 0) {
        trial_newest_bounded(trial, def, bounded);
        schedule_note_violation(trial->study->schedule, trial_id_number(trial->row.id),
                                study_violation(def, bounded));
    }
}

/* Into the study's open trials, in order of number. */
static void link_open(struct live_study *study, struct live_trial *trial)
{
    struct live_trial *before = study->last_open;

    while (before != NULL && before->row.id > trial->row.id) {
        before = before->previous_open;
    }
    trial->previous_open = before;
    trial->next_open = before == NULL ? study->open : before->next_open;
    *(before == NULL ? &study->open : &before->next_open) = trial;
    *(trial->next_open == NULL ? &study->last_open : &trial->next_open->previous_open) = trial;
    study->n_open++;
}

int trial_enter(struct state *state, struct live_study *study, struct trial_row *row,
                struct live_trial **trial, struct err *err)
{
    struct live_trial *entered = calloc(1, sizeof *entered);

    if (entered == NULL || tried_add(study, row, err) != 0) {
        free(entered);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (map_put(&state->trial_by_id, (uint64_t)row->id, entered, err) != 0) {
        tried_remove(study, row);
        free(entered);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    entered->row = *row;
    *row = (struct trial_row){0};
    entered->study = study;
    entered->curve.study = study->first->def;
    link_open(study, entered);
    *trial = entered;
    return 0;
}

void trial_leave(struct state *state, struct live_trial *trial)
{
    struct live_study *study = trial->study;

    trial_queue_remove(trial);
    *(trial->previous_open == NULL ? &study->open : &trial->previous_open->next_open) =
        trial->next_open;
    *(trial->next_open == NULL ? &study->last_open : &trial->next_open->previous_open) =
        trial->previous_open;
    study->n_open--;
    if (trial->lease != NULL) {
        lease_leave(state, trial->lease);
    }
    (void)map_take(&state->trial_by_id, (uint64_t)trial->row.id);
    checkpoint_let_go(state, trial);
    trial_row_finish(&trial->row);
    free(trial->parameters);
    learning_curve_finish(&trial->curve);
    free(trial);
    state->forecasts_moved = true;
}

/* The last one; NULL: the queue is empty. */
static const struct live_trial *last_of(const struct trial_queue *queue)
{
    return queue->n == 0
               ? NULL
               : (const struct live_trial *)(const void *)((const char *)queue->tail
                                                           - offsetof(struct live_trial, next));
}

void trial_queue_put(struct trial_queue *queue, struct live_trial *trial)
{
    const struct live_trial *last = last_of(queue);
    struct live_trial **link = &queue->first;

    if (last == NULL || last->row.id < trial->row.id) { /* mostly, and always at the start */
        link = queue->tail;
    }
    while (*link != NULL && (*link)->row.id < trial->row.id) {
        link = &(*link)->next;
    }
    trial->next = *link;
    trial->link = link;
    *link = trial;
    if (trial->next != NULL) {
        trial->next->link = &trial->next;
    } else {
        queue->tail = &trial->next;
    }
    queue->n++;
}

void trial_queue_remove(struct live_trial *trial)
{
    if (trial->link == NULL) {
        return;
    }
    struct trial_queue *queue =
        trial->row.attempt == 0 ? &trial->study->enqueued : &trial->study->retries;
    *trial->link = trial->next;
    if (trial->next != NULL) {
        trial->next->link = trial->link;
    } else {
        queue->tail = trial->link;
    }
    trial->link = NULL;
    trial->next = NULL;
    queue->n--;
}
