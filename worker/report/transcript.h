/* Several streams kept as one text: whole lines, in the order in which they were finished, so that
 * a line of one stream never stands within a line of another. Also the last lines, for the report
 * of a failure. */
#ifndef WORKER_REPORT_TRANSCRIPT_H
#define WORKER_REPORT_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

#define TRANSCRIPT_STREAMS 2
#define TRANSCRIPT_LINE_BYTES 65536 /* a longer line is kept in pieces */
#define TRANSCRIPT_TAIL_BYTES 3000

struct transcript {
    void (*keep)(void *context, const char *bytes, size_t len); /* gets the text, in order */
    void *context;
    struct buf held[TRANSCRIPT_STREAMS]; /* the unfinished line of each */
    bool is_open;                        /* what was kept last does not end its line */
    size_t last;                         /* whose it was */
    struct buf tail;
};

void transcript_init(struct transcript *transcript,
                     void (*keep)(void *context, const char *bytes, size_t len), void *context);
void transcript_finish(struct transcript *transcript);
void transcript_feed(struct transcript *transcript, size_t stream, const char *bytes, size_t len);
/* The streams have ended: unfinished lines count. */
void transcript_end(struct transcript *transcript);

/* The last whole lines as clean UTF-8, at most TRANSCRIPT_TAIL_BYTES of them. */
void transcript_last_lines(const struct transcript *transcript, struct buf *out);
/* Appends text with invalid UTF-8 and control characters (but \n and \t) replaced. */
void transcript_append_clean(struct buf *out, const char *bytes, size_t len);

#endif
