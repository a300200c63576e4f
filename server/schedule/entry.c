#include "server/schedule/entry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "server/schedule/stopping.h"

struct rung_entry entry_begin(enum entry_state state, int bracket, int64_t since_ms)
{
    return (struct rung_entry){
        .state = state,
        .bracket = bracket,
        .last = {.step = -1},
        .since_ms = since_ms,
        .checked_step = -1,
        .forecast_step = -1,
        .violation = (double)INFINITY,
    };
}

void entry_finish(struct rung_entry *entry)
{
    free(entry->ahead);
    free(entry->decided);
    free(entry->partial);
    running_average_destroy(entry->average);
}

void entry_forget_average(struct rung_entry *entry)
{
    running_average_destroy(entry->average);
    entry->average = NULL;
}

struct measured_point entry_newest(const struct rung_entry *entry)
{
    return entry->n_ahead > 0 ? entry->ahead[entry->n_ahead - 1] : entry->last;
}

int64_t entry_reach(const struct rung_entry *entry)
{
    return entry_newest(entry).step;
}

static int push_ahead(struct rung_entry *entry, struct measured_point point, struct err *err)
{
    TRY(array_reserve(&entry->ahead, entry->n_ahead, &entry->cap_ahead, sizeof *entry->ahead, err));
    entry->ahead[entry->n_ahead++] = point;
    return 0;
}

void entry_advance(struct rung_entry *entry, int64_t level)
{
    size_t n = 0;

    while (n < entry->n_ahead && entry->ahead[n].step <= level) {
        entry->last = entry->ahead[n++];
    }
    if (n > 0) {
        entry->n_ahead -= n;
        memmove(entry->ahead, entry->ahead + n, entry->n_ahead * sizeof *entry->ahead);
    }
}

int entry_note(struct rung_entry *entry, int64_t level, bool replaces, struct measured_point point,
               struct err *err)
{
    if (replaces && point.step == entry->last.step && entry->state == ENTRY_RUNNING
        && !entry_is_decided(entry, point.step)) {
        entry->last = point; /* the value of a result replaces the measurement */
        return 0;
    }
    if (point.step <= entry_reach(entry)) {
        return 0; /* this step is known */
    }
    if (point.step <= level && entry->n_ahead == 0) {
        entry->last = point;
        return 0;
    }
    return push_ahead(entry, point, err);
}

const struct measured_point *entry_point(const struct rung_entry *entry, int64_t step)
{
    if (entry->last.step == step) {
        return &entry->last;
    }
    for (size_t i = 0; i < entry->n_ahead; i++) {
        if (entry->ahead[i].step == step) {
            return &entry->ahead[i];
        }
    }
    return NULL;
}

static void remove_partials(struct rung_entry *entry, size_t n)
{
    entry->n_partial -= n;
    memmove(entry->partial, entry->partial + n, entry->n_partial * sizeof *entry->partial);
}

int entry_partial(struct rung_entry *entry, int64_t step, struct partial_point **partial,
                  struct err *err)
{
    size_t at = entry->n_partial;

    while (at > 0 && entry->partial[at - 1].step > step) {
        at--;
    }
    if (at > 0 && entry->partial[at - 1].step == step) {
        *partial = &entry->partial[at - 1];
        return 0;
    }
    if (entry->n_partial == PARTIAL_MAX) {
        remove_partials(entry, 1);
        at -= at > 0;
    }
    TRY(array_reserve(&entry->partial, entry->n_partial, &entry->cap_partial,
                      sizeof *entry->partial, err));
    memmove(entry->partial + at + 1, entry->partial + at,
            (entry->n_partial - at) * sizeof *entry->partial);
    entry->n_partial++;
    entry->partial[at] = (struct partial_point){.step = step};
    *partial = &entry->partial[at];
    return 0;
}

void entry_forget_partial(struct rung_entry *entry, int64_t step)
{
    size_t n = 0;

    while (n < entry->n_partial && entry->partial[n].step <= step) {
        n++;
    }
    if (n > 0) {
        remove_partials(entry, n);
    }
}

void entry_replace(struct rung_entry *entry, struct measured_point point)
{
    if (entry->last.step == point.step) {
        entry->last = point;
    }
    for (size_t i = 0; i < entry->n_ahead; i++) {
        if (entry->ahead[i].step == point.step) {
            entry->ahead[i] = point;
        }
    }
}

int entry_decide(struct rung_entry *entry, int64_t step, struct err *err)
{
    TRY(array_reserve(&entry->decided, entry->n_decided, &entry->cap_decided,
                      sizeof *entry->decided, err));
    entry->decided[entry->n_decided++] = step;
    return 0;
}

bool entry_is_decided(const struct rung_entry *entry, int64_t step)
{
    for (size_t i = 0; i < entry->n_decided; i++) {
        if (entry->decided[i] == step) {
            return true;
        }
    }
    return step <= entry->forecast_step;
}

void entry_note_reached(struct rung_entry *entry, int64_t step)
{
    if (step > entry->last.step) {
        entry->last.step = step;
    }
}

void entry_end(struct rung_entry *entry, enum entry_state state)
{
    entry->state = state;
    free(entry->ahead);
    entry->ahead = NULL;
    entry->n_ahead = 0;
    entry->cap_ahead = 0;
    free(entry->partial);
    entry->partial = NULL;
    entry->n_partial = 0;
    entry->cap_partial = 0;
}
