/* Which older studies a new one may learn from (`after` in its body). */
#ifndef SERVER_TUNING_SOURCES_H
#define SERVER_TUNING_SOURCES_H

#include "server/suggester/sources.h"

struct tuning;

/* Reads the older studies; one that cannot be used is a fault at "/after/N". Writes nothing. */
MUST_USE int sources_take(struct tuning *tuning, const struct study_def *def,
                          struct sources *sources, struct faults *faults, struct err *err);

#endif
