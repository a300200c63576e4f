/* What a job prints: cut into lines, searched for reports, and its last lines kept for the
 * report of a failure. Reports by prefix and by the user's regular expressions (PCRE2 with limits
 * on matching, so that no expression and no line can delay the agent). */
#ifndef WORKER_REPORT_PARSE_H
#define WORKER_REPORT_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "worker/report/metric.h"
#include "worker/report/patterns.h"

#define PARSE_TAIL_BYTES 3000

struct parse {
    const struct patterns *patterns; /* borrowed; NULL: none */
    bool bare;                       /* the metrics descriptor: each line is a report */
    void (*on_report)(void *context, const struct metric_report *report);
    void *context;
    struct buf line; /* the unfinished one */
    bool too_long;   /* the rest of this line is skipped */
    struct buf tail;
};

void parse_init(struct parse *parse, const struct patterns *patterns, bool bare,
                void (*on_report)(void *context, const struct metric_report *report),
                void *context);
void parse_finish(struct parse *parse);
void parse_feed(struct parse *parse, const char *bytes, size_t len);
/* The stream has ended: an unfinished line counts. */
void parse_end(struct parse *parse);

/* The last whole lines as clean UTF-8, at most PARSE_TAIL_BYTES of them. */
void parse_last_lines(const struct parse *parse, struct buf *out);

/* Appends text with invalid UTF-8 and control characters (but \n and \t) replaced. */
void parse_append_clean(struct buf *out, const char *bytes, size_t len);

#endif
