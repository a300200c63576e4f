/* The calls into a study's schedule, made again: each with the facts before it, the measurements
 * and the circumstances that were kept. What a call decides follows from these alone. */
#ifndef SERVER_REPLAY_CALLS_H
#define SERVER_REPLAY_CALLS_H

#include "server/replay/record.h"
#include "server/schedule/schedule.h"

struct calls {
    const struct study_record *record; /* borrowed */
    struct schedule *schedule;         /* owned: as it is before the next call */
    size_t next;                       /* the next fact */
    size_t next_event;                 /* the next event that says who holds a lease */
    int64_t seq;                       /* the newest event that has been taken note of */
    int64_t *fed; /* for each trial: up to which step the schedule knows it; owned */
};

/* A call: the facts that are stored of it, and those that it gave again. */
struct call_again {
    size_t first, n; /* of the record's facts */
    bool is_kept;    /* else it cannot be made again: a version that kept no calls made it */
    struct schedule_log log; /* owned */
};
void call_again_finish(struct call_again *again);
OWN_VALUE(call_again)

/* ERR_NOMEM. */
MUST_USE int calls_create(const struct study_record *record, struct calls *calls, struct err *err);
void calls_finish(struct calls *calls);
/* The event at which the next call was made; 0: none is kept; INT64_MAX: there is no call. */
int64_t calls_next_seq(const struct calls *calls);
/* Makes the next call again. The facts that are stored hold for the calls after it. ERR_NOMEM;
 * ERR_IO: the facts contradict each other. */
MUST_USE int calls_make_next(struct calls *calls, struct call_again *again, struct err *err);
/* Do two facts say the same of the same trial? Values are compared bit by bit, NaNs are equal. */
bool calls_same_fact(const struct schedule_record *a, const struct schedule_record *b);

#endif
