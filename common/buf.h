/* A growing byte buffer with its limit set at birth.
 *
 * Appending never fails in the middle of a caller's work: a buffer that reached its limit, or
 * memory's, keeps `failed` set and swallows what follows; check once at the end. The content is
 * always followed by a NUL that does not count. Not for sharing between threads. */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"

struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max; /* bytes of content it may ever hold */
    bool failed;
    bool no_memory; /* it failed for want of memory, not at its limit */
};

/* An empty buffer that may hold `max` bytes; allocates nothing yet. */
void buf_init(struct buf *buf, size_t max);
/* Releases the memory; NULL fields and an empty buffer are fine. It may be initialised again. */
void buf_finish(struct buf *buf);
OWN_VALUE(buf)
void buf_clear(struct buf *buf); /* empties; keeps the memory */
/* Each of these appends, or sets `failed`. */
void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_puts(struct buf *buf, const char *text);
void buf_putc(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Notes that a writer had no memory for what it should have appended: buf_check() is ERR_NOMEM. */
void buf_lack_memory(struct buf *buf);
/* How many times a buffer of this thread has lacked memory. */
size_t buf_failures(void);
/* `part` was made to go into `buf`: memory that was wanting there is wanting here. What becomes of
 * a part that reached its limit is up to the caller. */
void buf_check_part(struct buf *buf, const struct buf *part);
/* Removes `len` bytes from the front. */
void buf_consume(struct buf *buf, size_t len);
/* The content as a C string, never NULL. */
const char *buf_text(const struct buf *buf);
/* Hands the memory over (free() it) and leaves the buffer empty; NULL when it failed. */
char *buf_steal(struct buf *buf);
/* ERR_TOO_LARGE or ERR_NOMEM when something was swallowed. */
MUST_USE int buf_check(const struct buf *buf, struct err *err);

#endif
