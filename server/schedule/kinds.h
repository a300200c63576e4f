/* The list of kinds of schedules. */
#ifndef SERVER_SCHEDULE_KINDS_H
#define SERVER_SCHEDULE_KINDS_H

#include "server/schedule/kind.h"

extern const struct schedule_kind schedule_full;
extern const struct schedule_kind schedule_hyperband;
extern const struct schedule_kind schedule_bohb;
extern const struct schedule_kind schedule_halving;
extern const struct schedule_kind schedule_asha;

/* The kind of that name; schedule_full for any other strategy. */
const struct schedule_kind *schedule_kind_of(const char *strategy);

/* The i-th of the named kinds; NULL after the last. */
const struct schedule_kind *schedule_kind_at(size_t i);

#endif
