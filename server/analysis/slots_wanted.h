/* How many slots of workers a study could keep busy: what sizes a job array or a fleet of pods. */
#ifndef SERVER_ANALYSIS_SLOTS_WANTED_H
#define SERVER_ANALYSIS_SLOTS_WANTED_H

#include <stdint.h>

#include "server/domain/study.h"
#include "server/store/store.h"

#define SLOTS_UNLIMITED (-1)

/* The trials that run, and those that can be handed out from now: queued ones, and configurations
 * that the limit `trials` still allows; SLOTS_UNLIMITED without such a limit. At most
 * limits.parallel. Where only paused trials are left, how many of them will be promoted is not
 * known here: a third of them, and one at least, so that somebody asks for them. */
int64_t slots_wanted(const struct study_def *def, const struct study_row *row);

#endif
