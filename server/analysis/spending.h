/* What a study had spent by a moment: the resource that its attempts trained and the time they
 * took, of the attempts that had ended by then.
 *
 * Add the attempts in any order, sort, then ask in order of time: O(n log n) and O(1) for each
 * question. Plain memory; not shared between threads. */
#ifndef SERVER_ANALYSIS_SPENDING_H
#define SERVER_ANALYSIS_SPENDING_H

#include "server/store/spans.h"

struct spent {
    int64_t ended_at_ms;
    int64_t resource; /* steps, in units of the study's resource */
    double seconds;
};

struct spending {
    size_t n, cap;
    struct spent *items; /* owned */
    size_t at;           /* those before were counted */
    struct spent sum;    /* of them */
};
void spending_finish(struct spending *spending);
OWN_VALUE(spending)
/* For store_each_span(): `spending` is a struct spending. ERR_NOMEM. */
MUST_USE int spending_add(void *spending, const struct span_row *row, struct err *err);
/* After the last attempt. */
void spending_sort(struct spending *spending);
/* The sums of those that had ended at this moment, which is not before the last one asked for. */
struct spent spending_until(struct spending *spending, int64_t at_ms);

#endif
