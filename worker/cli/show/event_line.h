/* One event of a server as a line for people. Pure. */
#ifndef WORKER_CLI_SHOW_EVENT_LINE_H
#define WORKER_CLI_SHOW_EVENT_LINE_H

#include <jansson.h>

#include "common/buf.h"

/* Appends "2026-11-29 20:01:16 +00:00  digits  trial 5, attempt 2: ended" without a line end,
 * clean. */
void event_line(const json_t *event, struct buf *out);

#endif
