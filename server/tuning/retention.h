/* Removing what has been kept for long enough, in small steps beside what a group writes anyway:
 * the rows of studies that were deleted, kept replies, old events and old rows of the audit. Writer
 * thread. */
#ifndef SERVER_TUNING_RETENTION_H
#define SERVER_TUNING_RETENTION_H

#include "server/tuning/internal.h"

/* The next step, if one is due. The errors of the store. */
MUST_USE int retention_step(struct tuning *tuning, struct err *err);
/* After a start, or after a group that was undone. */
MUST_USE int retention_load(struct tuning *tuning, struct err *err);

#endif
