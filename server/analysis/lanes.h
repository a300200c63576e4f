/* What each worker did over time: its attempts side by side, and the gaps between them.
 *
 * Plain memory; not shared between threads. */
#ifndef SERVER_ANALYSIS_LANES_H
#define SERVER_ANALYSIS_LANES_H

#include "server/store/spans.h"

#define LANE_GAP_MS                                                                                \
    1000 /* shorter ones are no gaps: that is how long handing out a trial takes                   \
          */

struct lanes {
    size_t n, cap;
    struct span_row *spans; /* owned */
};
void lanes_finish(struct lanes *lanes);
OWN_VALUE(lanes)
/* For store_each_span_within(): `lanes` is a struct lanes. ERR_NOMEM. */
MUST_USE int lanes_add(void *lanes, const struct span_row *row, struct err *err);
/* Orders the spans by worker and time, each attempt once. */
void lanes_sort(struct lanes *lanes);
/* How many spans from `first` on are of one worker. */
size_t lanes_length(const struct lanes *lanes, size_t first);

struct lane_gap {
    int64_t from_ms, to_ms;
    bool is_last; /* it lasts until now */
};
/* A walk over the gaps of one lane. */
struct lane_walk {
    const struct span_row *spans; /* sorted; borrowed */
    size_t n;
    int64_t now_ms; /* until when the lane is looked at */
    /* zero at first */
    size_t at;
    int64_t busy_ms; /* until when the spans before `at` keep the worker busy: they may overlap */
};
/* The next gap; false: there is none. What is before the first span is no gap: nobody knows whether
 * the worker was there. */
bool lane_next_gap(struct lane_walk *walk, struct lane_gap *gap);

/* When a node was given no trials, or few. */
struct outage {
    char node[WORKER_NAME_BYTES];
    int64_t from_ms, to_ms; /* 0: it lasts */
    const char *reason;     /* static text */
};
struct outages {
    size_t n, cap;
    struct outage *items; /* owned */
};
void outages_finish(struct outages *outages);
OWN_VALUE(outages)
/* For store_each_event(), in order of the events: `outages` is a struct outages. ERR_NOMEM. */
MUST_USE int outages_add(void *outages, const struct event_row *event, struct err *err);
/* Why the node was given nothing for (part of) the gap; NULL: it is not known. */
const char *outages_reason(const struct outages *outages, const char *node,
                           const struct lane_gap *gap);

/* Since when each study gives no trials. One that is open again does not say when it was not. */
struct closed_study {
    int64_t created_at_ms;
    int64_t closed_at_ms; /* 0: it is open */
    bool is_paused;
};
struct closed_studies {
    size_t n, cap;
    struct closed_study *items; /* owned */
    int64_t known_from_ms;      /* what was deleted before that is not known */
    int64_t deleted_at_ms;      /* the last one; 0: none */
};
void closed_studies_finish(struct closed_studies *closed);
OWN_VALUE(closed_studies)
/* Every study that is there is to be added. ERR_NOMEM. */
MUST_USE int closed_studies_add(struct closed_studies *closed, const struct study_row *row,
                                struct err *err);
/* Every event since known_from_ms is to be noted. */
void closed_studies_note(struct closed_studies *closed, const struct event_row *event);
/* "paused" or "no study" where no study gave trials during the whole gap; NULL: that is not
 * certain, as one was open, or may have been: it is open again, or it was deleted since.
 * Up to LANE_GAP_MS at either end do not count: a study ends a moment after its last trial, and
 * hands out its first one a moment after it was made. O(studies). */
const char *closed_studies_reason(const struct closed_studies *closed, const struct lane_gap *gap);

#endif
