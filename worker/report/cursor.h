/* A place in a text that is being read. */
#ifndef WORKER_REPORT_CURSOR_H
#define WORKER_REPORT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/report/blank.h"
#include "worker/report/metric.h"

struct cursor {
    const char *text;
    size_t len, at;
};

static inline bool cursor_at_end(const struct cursor *c)
{
    return c->at >= c->len;
}

/* The character here; NUL at the end. */
static inline char cursor_char(const struct cursor *c)
{
    return c->at < c->len ? c->text[c->at] : '\0';
}

static inline void cursor_skip_blanks(struct cursor *c)
{
    c->at += blanks_at(c->text + c->at, c->len - c->at);
}

/* A text in double or single quotes. */
struct quoted {
    char text[METRIC_NAME_BYTES + 1]; /* without quotes and escapes */
    size_t len;
    bool is_long; /* it does not fit into `text`, which holds its beginning */
};

/* Reads the quoted text that begins here; false: it does not end, and the cursor stays. */
bool cursor_read_quoted(struct cursor *c, struct quoted *quoted);

#endif
