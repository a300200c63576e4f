/* The file in which a slot records its one attempt, so that a result and every measurement outlive
 * the worker: records behind each other, appended and never changed.
 *
 *   file    magic 8 · number of the file 4 · CRC of both 4 · records
 *   record  length of the content 4 · kind 4 · CRC 4 · content        (little-endian)
 *
 * The CRC covers length, kind and content and depends on the number of the file, which is drawn for
 * each attempt: neither a torn or damaged record nor one that an earlier file has left in the same
 * blocks is ever read. What stands before the first bad record counts.
 *
 * What cannot be written stays in memory behind the file, is read as part of it, and is written
 * once that is possible. Nothing here fails an attempt. One thread. */
#ifndef WORKER_AGENT_SPOOL_H
#define WORKER_AGENT_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/own.h"

#define SPOOL_HEAD_BYTES 16
#define SPOOL_RECORD_HEAD_BYTES 12
#define SPOOL_RECORD_MAX ((size_t)4 << 20) /* content of one record */
#define SPOOL_WAITING_MAX                                                                          \
    ((size_t)64 << 20) /* what is kept in memory while it cannot be written                        \
                        */
#define SPOOL_SYNC_MS 1000

enum spool_kind { /* part of the format: numbers are not given again */
                  SPOOL_GRANT = 1,
                  SPOOL_RUN = 2,
                  SPOOL_MEASURED = 3,
                  SPOOL_ANSWERED = 4,
                  SPOOL_EXIT = 5,
                  SPOOL_RESULT = 6,
                  SPOOL_RELEASE = 7,
                  SPOOL_CLOSED = 8,
                  SPOOL_REFUSED = 9,
                  SPOOL_ASKED = 10
};

struct spool {
    char *path; /* owned; NULL: in memory alone */
    int fd;
    uint32_t number;
    int64_t written;    /* bytes of the file */
    struct buf waiting; /* what follows them */
    bool failing;       /* it could not be written the last time */
    char why[200];      /* … for this reason */
    int64_t retry_at_ms;
    int64_t unsynced_ms; /* since when something is written and not synced; INT64_MAX: nothing is */
    char *window;        /* read last, from window_at on; owned */
    int64_t window_at;
    size_t window_len;
};

struct spool_record {
    enum spool_kind kind; /* may be one that this program does not know */
    struct buf content;
};
void spool_record_init(struct spool_record *record);
void spool_record_finish(struct spool_record *record);
OWN_VALUE(spool_record)

/* One in memory alone, for spool_finish(). */
void spool_init(struct spool *spool);
void spool_finish(struct spool *spool);
OWN_VALUE(spool)

/* Starts the file anew, for another attempt, and reserves the space that a result takes. ERR_IO: it
 * cannot be written now. `path` is copied; it may be the spool's own. */
MUST_USE int spool_begin(struct spool *spool, const char *path, struct err *err);
/* Takes up a file that is there: what stands behind the last good record is cut off. ERR_IO. */
MUST_USE int spool_continue(struct spool *spool, const char *path, struct err *err);
/* The same for reading alone: the file stays as it is. Nothing may be appended. ERR_IO. */
MUST_USE int spool_look(struct spool *spool, const char *path, struct err *err);
/* Closes the file and removes it; `path` stays for the next one. */
void spool_remove(struct spool *spool);

/* The other one, written to its end beside it, takes its file's place and is empty then. ERR_IO:
 * nothing has changed. */
MUST_USE int spool_replace(struct spool *spool, struct spool *by, struct err *err);

/* Adds a record, in memory at first. False: there is no room for it, and it is not kept. */
bool spool_append(struct spool *spool, enum spool_kind kind, const void *content, size_t len);
/* Writes what waits. After a failure it is tried again once a second. */
void spool_flush(struct spool *spool, int64_t now_ms);
/* The same, now, and down to the disk. */
void spool_sync(struct spool *spool, int64_t now_ms);

/* Where the next record will stand. */
int64_t spool_end(const struct spool *spool);
/* Reads the record at *at and moves *at behind it; false: there is no (good) one. */
bool spool_next(struct spool *spool, int64_t *at, struct spool_record *record);

#endif
