/* Removing what has been kept for long enough, in small steps beside what a group writes anyway:
 * the rows of studies that were deleted, kept replies, old events and old rows of the audit. Writer
 * thread. */
#ifndef SERVER_TUNING_RETENTION_H
#define SERVER_TUNING_RETENTION_H

#include "server/tuning/internal.h"

/* The next step, if one is due. The errors of the store. */
MUST_USE int retention_step(struct tuning *tuning, struct err *err);
/* Whenever the clocks were read. Where the wall clock was set ahead, or the machine slept, nothing
 * is removed for a day: a wrong clock makes everything old, and a request may be repeated with the
 * key of a reply that is some minutes old. A restart does not end that day. */
void retention_note_clock(struct tuning *tuning);
/* After a start, or after a group that was undone. `newest_event_ms`: wall clock, 0: none. A server
 * that starts long after its newest event may do so by a wrong clock, and keeps all for a day. */
MUST_USE int retention_load(struct tuning *tuning, int64_t newest_event_ms, struct err *err);

#endif
