/* Which events are recent, so that the asks whose leases they ended may still be repeated: by the
 * monotonic clock, whatever is done to the wall clock. Across a stop it is what was recent then.
 * Writer thread. */
#ifndef SERVER_TUNING_RECENT_H
#define SERVER_TUNING_RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct tuning;

#define RECENT_MARKS_MAX 12

/* Up to `seq` the events had happened at this monotonic moment. */
struct recent_mark {
    int64_t at_ms, seq;
};

struct recent {
    struct recent_mark marks[RECENT_MARKS_MAX]; /* some of the last ten minutes, in order */
    size_t n;
    int64_t after_seq;  /* later events are recent */
    int64_t stored_seq; /* the same, as the store has it */
};

/* After a start, or after a group that was undone; `newest_ms`: of the newest event, wall clock, 0:
 * none. The errors of the store. */
MUST_USE int recent_load(struct tuning *tuning, int64_t newest_ms, struct err *err);
/* In each group. The errors of the store. */
MUST_USE int recent_step(struct tuning *tuning, struct err *err);

#endif
