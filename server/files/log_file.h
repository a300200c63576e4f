/* The file of one attempt's log: all of a short log, of a long one its beginning and its end.
 *
 * The file begins with a line of LOG_HEADER_BYTES that says what is kept; the bytes of the log
 * follow. Up to `head_max + ring_max` of them they stand as they came. After that, or when bytes
 * were left out, the first `head` stay and the newest go round in the `ring_max` bytes behind
 * `head_max`; the header is then written before and after each piece, so that a process that is
 * killed in between leaves nothing that is taken for another's bytes. Nothing is synced: a log may
 * lose its last seconds in a power cut.
 *
 * Works on a descriptor that the caller has locked. */
#ifndef SERVER_FILES_LOG_FILE_H
#define SERVER_FILES_LOG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

#define LOG_HEADER_BYTES 256

struct log_file {
    int fd; /* borrowed */
    int64_t head_max, ring_max;
    int64_t head;    /* bytes [0, head) are kept … */
    int64_t from;    /* … and those from here to `size` that still are in the ring */
    int64_t size;    /* of the whole log */
    int64_t written; /* the ring may hold bytes up to here */
    bool is_ring;
    bool ended; /* no more will come */
};

/* Reads the header, or begins an empty log that keeps `limit` bytes: also where the header was cut
 * short or is damaged, since the worker still has its bytes. ERR_STORAGE_FULL, ERR_IO. */
MUST_USE int log_file_begin(struct log_file *file, int fd, int64_t limit, struct err *err);
/* Reads the header of a log that is there. ERR_NOT_FOUND: it has none. */
MUST_USE int log_file_open(struct log_file *file, int fd, struct err *err);
/* Adds bytes at the end. ERR_STORAGE_FULL: a part of them may be kept; `size` says how much. */
MUST_USE int log_file_append(struct log_file *file, const char *bytes, size_t len, struct err *err);
/* The bytes from `size` to `offset` are not going to come. */
MUST_USE int log_file_skip(struct log_file *file, int64_t offset, struct err *err);
/* No more will come. */
MUST_USE int log_file_end(struct log_file *file, struct err *err);

/* Where the kept bytes behind the left-out ones begin; `head` where none were left out. */
int64_t log_file_tail(const struct log_file *file);
/* Appends at most `most` kept bytes from *offset on and moves it behind them; where bytes were left
 * out there, a line that says how many stands in their place. */
MUST_USE int log_file_read(const struct log_file *file, int64_t *offset, size_t most,
                           struct buf *out, struct err *err);
/* *offset ← where the last `lines` lines begin, as far as they are kept. */
MUST_USE int log_file_last_lines(const struct log_file *file, int64_t lines, int64_t *offset,
                                 struct err *err);

#endif
