/* Inside the room: what a schedule is made of. Others include schedule.h. */
#ifndef SERVER_SCHEDULE_KINDS_H
#define SERVER_SCHEDULE_KINDS_H

#include "server/schedule/schedule.h"

/* One way of deciding who gets more resource. */
struct schedule_kind {
    const char *name; /* as spelled in the API; NULL: studies whose strategy is no schedule */
    /* Fills an offer that is OFFER_NOTHING so far. */
    void (*offer)(const struct schedule *schedule, const struct schedule_moment *moment,
                  struct schedule_offer *offer);
};

extern const struct schedule_kind schedule_full;

struct schedule {
    const struct study_def *study; /* borrowed */
    const struct schedule_kind *kind;
};

#endif
