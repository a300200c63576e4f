/* Sends what a slot's jobs print to the server, from the log on disk, piece by piece.
 *
 * It is the least of what the agent does: one transfer of its own at a time, nothing while
 * measurements or a result wait, and whatever goes wrong costs the log and nothing else. The log of
 * a trial that has ended is sent to its end, for some seconds, while the slot has the next one. */
#ifndef WORKER_AGENT_LOG_UPLOAD_H
#define WORKER_AGENT_LOG_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/wire.h"
#include "worker/agent/loop.h"

#define LOG_UPLOADS_MAX 8 /* of one slot; more trials that end at once cost the oldest log */

struct log_upload;

struct log_uploads { /* of one slot; zeroed at first */
    struct loop *loop;
    struct log_upload *first, **tail; /* the oldest is sent first */
    size_t n;
    struct http_transfer *transfer; /* of the first */
    bool busy;                      /* as the last tick said */
    int64_t refused_until_ms;       /* the server takes no logs before */
};

void log_uploads_init(struct log_uploads *uploads, struct loop *loop);
void log_uploads_finish(struct log_uploads *uploads);
/* A job writes to the log at `path`; its lease has this id. Without memory or file nothing is sent.
 */
void log_uploads_begin(struct log_uploads *uploads, const char *lease, const char *path);
/* The newest log is complete. */
void log_uploads_end(struct log_uploads *uploads);
/* Sends what is due; nothing while `busy`, for ten seconds at most. */
void log_uploads_tick(struct log_uploads *uploads, bool busy);
/* Returns the monotonic moment in ms of the next tick that has something to do; INT64_MAX: none. */
int64_t log_uploads_deadline(const struct log_uploads *uploads);
/* Will nothing of the logs that are complete be sent before that moment? */
bool log_uploads_are_done(const struct log_uploads *uploads, int64_t until_ms);

#endif
