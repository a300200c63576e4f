/* The options of a study's schedule. */
#ifndef SERVER_SCHEDULE_OPTIONS_H
#define SERVER_SCHEDULE_OPTIONS_H

#include "server/domain/study.h"
#include "server/schedule/kind.h"

/* Adds every fault. Options of the search alone are ignored. `searches`: the names that the option
 * `search` may have, NULL-terminated; NULL: any. */
void schedule_options_read(const struct study_def *study, const char *const searches[],
                           struct schedule_options *options, struct faults *faults);

#endif
