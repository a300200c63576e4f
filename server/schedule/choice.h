/* Which schedule and which search a study has. */
#ifndef SERVER_SCHEDULE_CHOICE_H
#define SERVER_SCHEDULE_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/json.h"
#include "server/domain/study.h"

/* Adds every fault of the study's schedule, its options and its stopping rule, with pointers
 * ("/strategy/eta"). `searches`: the strategies that can be the search, NULL-terminated. Options of
 * the search alone are ignored. */
void schedule_check(const struct study_def *study, const char *const searches[],
                    struct faults *faults);

/* Whether `name` ("hyperband", "asha", …) is a schedule, which combines with a search. */
bool schedule_is_known(const char *name);
/* The i-th of those names; NULL after the last. */
const char *schedule_name(size_t i);

/* The name of the strategy that suggests the configurations: the option `search` of a schedule or
 * its default ("random" for hyperband); the study's strategy without a schedule. Borrowed. */
const char *schedule_search(const struct study_def *study);
/* Whether this study's schedule uses forecasts. Pure in the definition. */
bool schedule_uses_forecasts(const struct study_def *study);

#endif
