#include "server/analysis/lanes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

void lanes_finish(struct lanes *lanes)
{
    free(lanes->spans);
    *lanes = (struct lanes){0};
}

int lanes_add(void *context, const struct span_row *row, struct err *err)
{
    struct lanes *lanes = context;

    TRY(array_reserve(&lanes->spans, lanes->n, &lanes->cap, sizeof *lanes->spans, err));
    lanes->spans[lanes->n++] = *row;
    return 0;
}

static int by_worker(const void *a, const void *b)
{
    const struct span_row *left = a;
    const struct span_row *right = b;
    int names = strcmp(left->worker, right->worker);

    if (names != 0) {
        return names;
    }
    if (left->started_at_ms != right->started_at_ms) {
        return left->started_at_ms < right->started_at_ms ? -1 : 1;
    }
    return (left->attempt_id > right->attempt_id) - (left->attempt_id < right->attempt_id);
}

void lanes_sort(struct lanes *lanes)
{
    size_t kept = 0;

    if (lanes->n > 0) {
        qsort(lanes->spans, lanes->n, sizeof *lanes->spans, by_worker);
    }
    for (size_t i = 0; i < lanes->n; i++) {
        if (kept == 0 || lanes->spans[i].attempt_id != lanes->spans[kept - 1].attempt_id) {
            lanes->spans[kept++] = lanes->spans[i];
        }
    }
    lanes->n = kept;
}

size_t lanes_length(const struct lanes *lanes, size_t first)
{
    size_t n = 1;

    while (first + n < lanes->n
           && strcmp(lanes->spans[first].worker, lanes->spans[first + n].worker) == 0) {
        n++;
    }
    return n;
}

bool lane_next_gap(struct lane_walk *walk, struct lane_gap *gap)
{
    while (walk->at < walk->n) {
        int64_t end_ms = walk->spans[walk->at].ended_at_ms;
        walk->at++;
        end_ms = end_ms == 0 ? INT64_MAX : end_ms;
        walk->busy_ms = end_ms > walk->busy_ms ? end_ms : walk->busy_ms;
        bool is_last = walk->at == walk->n;
        int64_t next_ms = is_last ? walk->now_ms : walk->spans[walk->at].started_at_ms;
        if (next_ms - LANE_GAP_MS >= walk->busy_ms) {
            *gap = (struct lane_gap){walk->busy_ms, next_ms, is_last};
            return true;
        }
    }
    return false;
}

/* ---- outages ---- */

void outages_finish(struct outages *outages)
{
    free(outages->items);
    *outages = (struct outages){0};
}

/* The node is given trials again, or for another reason none. */
static void end_outage(struct outages *outages, const struct event_row *event)
{
    for (size_t i = outages->n; i-- > 0;) {
        struct outage *outage = &outages->items[i];
        if (outage->to_ms == 0 && strcmp(outage->node, event->worker) == 0) {
            outage->to_ms = event->at_ms;
            return;
        }
    }
}

int outages_add(void *context, const struct event_row *event, struct err *err)
{
    struct outages *outages = context;
    bool begins = event->kind == EVENT_WORKER_QUARANTINED || event->kind == EVENT_WORKER_DRAINING;

    if ((!begins && event->kind != EVENT_WORKER_RESUMED) || event->worker == NULL) {
        return 0;
    }
    end_outage(outages, event);
    if (begins) {
        TRY(array_reserve(&outages->items, outages->n, &outages->cap, sizeof *outages->items, err));
        struct outage *outage = &outages->items[outages->n++];
        *outage = (struct outage){.from_ms = event->at_ms,
                                  .reason = event->kind == EVENT_WORKER_DRAINING ? "draining"
                                                                                 : "quarantined"};
        (void)snprintf(outage->node, sizeof outage->node, "%s", event->worker);
    }
    return 0;
}

const char *outages_reason(const struct outages *outages, const char *node,
                           const struct lane_gap *gap)
{
    for (size_t i = outages->n; i-- > 0;) {
        const struct outage *outage = &outages->items[i];
        if (outage->from_ms < gap->to_ms && (outage->to_ms == 0 || outage->to_ms > gap->from_ms)
            && strcmp(outage->node, node) == 0) {
            return outage->reason;
        }
    }
    return NULL;
}

/* ---- studies that gave nothing ---- */

void closed_studies_finish(struct closed_studies *closed)
{
    free(closed->items);
    *closed = (struct closed_studies){0};
}

int closed_studies_add(struct closed_studies *closed, const struct study_row *row, struct err *err)
{
    TRY(array_reserve(&closed->items, closed->n, &closed->cap, sizeof *closed->items, err));
    closed->items[closed->n++] = (struct closed_study){
        .created_at_ms = row->created_at_ms,
        .closed_at_ms = row->state == STUDY_RUNNING ? 0 : row->paused_at_ms,
        .is_paused = row->state == STUDY_PAUSED,
    };
    return 0;
}

void closed_studies_note(struct closed_studies *closed, const struct event_row *event)
{
    if (event->kind == EVENT_STUDY_DELETED && event->at_ms > closed->deleted_at_ms) {
        closed->deleted_at_ms = event->at_ms;
    }
}

const char *closed_studies_reason(const struct closed_studies *closed, const struct lane_gap *gap)
{
    const char *reason = "no study";

    if (gap->from_ms < closed->known_from_ms || gap->from_ms < closed->deleted_at_ms) {
        return NULL;
    }
    for (size_t i = 0; i < closed->n; i++) {
        const struct closed_study *study = &closed->items[i];
        if (study->created_at_ms >= gap->to_ms - LANE_GAP_MS) {
            continue; /* its first trial ended the gap */
        }
        if (study->closed_at_ms == 0 || study->closed_at_ms > gap->from_ms + LANE_GAP_MS) {
            return NULL;
        }
        reason = study->is_paused ? "paused" : reason;
    }
    return reason;
}
