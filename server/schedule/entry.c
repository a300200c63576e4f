#include "server/schedule/entry.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"

int64_t entry_reach(const struct rung_entry *entry)
{
    return entry->n_ahead > 0 ? entry->ahead[entry->n_ahead - 1].step : entry->last.step;
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

int entry_note(struct rung_entry *entry, int64_t level, struct measured_point point,
               struct err *err)
{
    if (point.step == entry->last.step && entry->state == ENTRY_RUNNING) {
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
}
