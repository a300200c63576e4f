/* What the use cases of a whole study share. */
#ifndef SERVER_TUNING_STUDY_H
#define SERVER_TUNING_STUDY_H

#include "server/tuning/internal.h"

/* *reply ← the study as it stands. */
int study_report(const struct live_study *study, struct study_state_reply *reply);
/* The normalised definition; owned by the caller, NULL: out of memory. */
char *study_definition_text(const struct study_def *def);

#endif
