/* A study gets another search space, and keeps its trials. */
#ifndef SERVER_TUNING_NEW_SPACE_H
#define SERVER_TUNING_NEW_SPACE_H

#include "server/domain/space_change.h"
#include "server/tuning/internal.h"

/* Called once the study has its new definition. Its trials are read in the new space, stored and
 * live ones; those that have not begun and lie outside are cancelled, reason "outside". What was
 * derived from the old space is made again: the best trial, which configurations were tried, the
 * numbers of the points of a grid,
 * whether any is left, the models' fits, prepared suggestions. */
MUST_USE int new_space_enter(struct tuning *tuning, struct live_study *study,
                             const struct space_change *change, struct err *err);

#endif
