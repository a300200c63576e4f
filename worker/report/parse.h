/* A stream of output, cut into lines for the reader. Progress bars return to the line's beginning,
 * so a carriage return ends a line too. Of a line without end the last METRIC_LINE_BYTES are read.
 * How the stream is cut into pieces makes no difference. */
#ifndef WORKER_REPORT_PARSE_H
#define WORKER_REPORT_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "worker/report/reader.h"

struct parse {
    struct reader *reader; /* borrowed */
    bool bare;             /* the metrics descriptor: each line is a report */
    struct buf line;       /* the unfinished one */
    bool is_cut;           /* it had more before its first byte */
};

void parse_init(struct parse *parse, struct reader *reader, bool bare);
void parse_finish(struct parse *parse);
void parse_feed(struct parse *parse, const char *bytes, size_t len);
/* The stream has ended: an unfinished line counts. */
void parse_end(struct parse *parse);

#endif
