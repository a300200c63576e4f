#include "tests/sim/common/events.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/array.h"

void events_init(struct events *events, const struct clock_manual *clock)
{
    *events = (struct events){.clock = clock};
}

void events_finish(struct events *events)
{
    free(events->heap);
    *events = (struct events){0};
}

static bool is_earlier(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void events_add(struct events *events, int64_t in_ms, struct event event)
{
    if (array_reserve(&events->heap, events->n, &events->cap, sizeof *events->heap, NULL) != 0) {
        abort();
    }
    event.at_ms = events->clock->now_ms + in_ms;
    event.order = events->n_added++;

    size_t at = events->n++;
    while (at > 0 && is_earlier(&event, &events->heap[(at - 1) / 2])) {
        events->heap[at] = events->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    events->heap[at] = event;
}

const struct event *events_next(const struct events *events)
{
    return events->n > 0 ? &events->heap[0] : NULL;
}

struct event events_take(struct events *events)
{
    struct event first = events->heap[0];
    struct event last = events->heap[--events->n];
    size_t at = 0;

    for (size_t child = 1; child < events->n; child = 2 * at + 1) {
        if (child + 1 < events->n && is_earlier(&events->heap[child + 1], &events->heap[child])) {
            child++;
        }
        if (!is_earlier(&events->heap[child], &last)) {
            break;
        }
        events->heap[at] = events->heap[child];
        at = child;
    }
    events->heap[at] = last;
    return first;
}

void events_clear(struct events *events)
{
    events->n = 0;
}
