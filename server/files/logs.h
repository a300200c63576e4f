/* The logs of all attempts, each in a file DATA/logs/<study's id>/<trial>-<attempt>.log.
 *
 * A worker sends pieces by offset. What is there already is not taken again, so that a repeated
 * piece is harmless; a piece beyond the end is not taken, and the answer says where to go on.
 * Nothing is synced. Any thread; a log is locked while it is read or written. */
#ifndef SERVER_FILES_LOGS_H
#define SERVER_FILES_LOGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/own.h"

#define LOG_LIMIT_DEFAULT ((int64_t)16 << 20)
#define LOG_LIMIT_LEAST 4096
#define LOG_LIMIT_MOST ((int64_t)1 << 30)
#define LOGS_LIMIT_DEFAULT ((int64_t)4 << 30)

struct logs;

struct log_name {
    int64_t study; /* its id */
    int64_t trial;
    int64_t attempt;
};

struct logs_settings {
    const char *directory; /* the data directory */
    int64_t log_limit;     /* bytes kept of one attempt */
    int64_t total_limit;   /* bytes kept of all */
    int64_t spare_bytes;   /* what must stay free on the disk, for the database */
};

/* ERR_IO: the folder cannot be made or opened. */
MUST_USE int logs_create(const struct logs_settings *settings, struct logs **logs, struct err *err);
/* Accepts NULL. */
void logs_destroy(struct logs *logs);
OWN_POINTER(logs)

/* The bytes kept of one attempt. */
int64_t logs_limit(const struct logs *logs);
/* Other limits from now on, of one attempt and of all. Any thread. */
void logs_set_limits(struct logs *logs, int64_t log_limit, int64_t total_limit);

struct log_piece {
    int64_t offset; /* of its first byte in the whole log */
    const char *bytes;
    size_t len;
    bool skips; /* what was not sent before it is not going to come */
    bool ends;  /* no more will come */
};

/* *next_offset ← where the log ends now. ERR_STORAGE_FULL: the disk has no room for logs; ERR_IO.
 */
MUST_USE int logs_append(struct logs *logs, const struct log_name *name,
                         const struct log_piece *piece, int64_t *next_offset, struct err *err);

struct log_read {
    int64_t offset; /* where to go on; moved behind what was read */
    size_t most;    /* bytes at a time */
    bool exists;    /* ← */
    bool at_end;    /* ← nothing is behind it now */
    bool ended;     /* ← nothing will come */
};
/* Appends what is kept from read->offset on. */
MUST_USE int logs_read(struct logs *logs, const struct log_name *name, struct log_read *read,
                       struct buf *out, struct err *err);
/* *offset ← where the last `lines` lines begin; 0 where there is no log. */
MUST_USE int logs_last_lines(struct logs *logs, const struct log_name *name, int64_t lines,
                             int64_t *offset, struct err *err);

/* ---- who waits for a log ---- */

struct log_watch {
    struct log_name name;
    atomic_bool changed;         /* set by every piece */
    void (*wake)(void *context); /* called after it was set, by the thread that appends */
    void *context;
    struct log_watch *next, **link; /* link NULL: it does not watch */
};
void logs_watch(struct logs *logs, struct log_watch *watch);
/* Harmless for one that does not watch. */
void logs_unwatch(struct logs *logs, struct log_watch *watch);

/* ---- what may be kept ---- */

/* Is there more than may be kept, and does no one remove it yet? True once, until logs_sweep(). */
bool logs_want_sweep(struct logs *logs);

struct logs_world {
    void *context;
    bool (*study_lives)(void *context, int64_t study);
    bool (*attempt_lives)(void *context, const struct log_name *name);
    bool (*attempt_is_known)(void *context, const struct log_name *name);
};
/* Once for each epoch of the database, before anything is appended: removes the logs of attempts
 * that it does not know. They are of a state that was given up, as when a backup is restored, and
 * would be taken for those of the attempts that get their names next. ERR_IO: the folder cannot be
 * read. */
MUST_USE int logs_begin_epoch(struct logs *logs, int64_t epoch, const struct logs_world *world,
                              struct err *err);
/* Removes the logs of studies that are no more; then, if more is kept than may be, those of ended
 * attempts, the oldest first. Counts what stays. */
MUST_USE int logs_sweep(struct logs *logs, const struct logs_world *world, struct err *err);

struct logs_stats {
    int64_t bytes;          /* kept */
    int64_t received_bytes; /* since the start, without repeated ones */
    int64_t removed;        /* logs removed for the limit since the start */
    int64_t refused;        /* pieces for which the disk had no room */
};
/* *stats ← the counters. */
void logs_stats(const struct logs *logs, struct logs_stats *stats);

#endif
