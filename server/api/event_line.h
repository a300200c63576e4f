/* What happens, as lines for people: 12:03:11 digits #18 completed accuracy=0.93 best
 *
 * Times are in UTC; a line "# 2026-11-29" stands where a day begins, and "# after=1234" says from
 * where a client that comes back goes on. Texts of others are escaped, so that they command no
 * terminal. */
#ifndef SERVER_API_EVENT_LINE_H
#define SERVER_API_EVENT_LINE_H

#include "server/engine/engine.h"
#include "server/state/view.h"

struct event_lines {
    int64_t day; /* since 1970, of the last line; 0: none was written */
};

/* Appends the line of an event. Reader thread: what the event does not hold is read from the
 * store, as it is now. */
MUST_USE int event_line_write(struct event_lines *lines, const struct event_row *event,
                              const struct live_view *view, struct store *store, struct buf *out,
                              struct err *err);
/* Appends a line for each step that was measured: 12:03:12 digits #18 step 4 accuracy=0.91 */
void event_line_write_measured(const struct measure_command *measure, int64_t now_ms,
                               struct buf *out);
void event_line_write_place(int64_t after, struct buf *out);

#endif
