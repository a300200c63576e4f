/* One picture of `hone top`: lines for a terminal of any size. Pure. */
#ifndef WORKER_CLI_TOP_DRAW_H
#define WORKER_CLI_TOP_DRAW_H

#include <stddef.h>

#include "common/buf.h"
#include "worker/cli/top/model.h"

/* How a line looks; the first byte of each. */
enum top_style {
    TOP_PLAIN = ' ',
    TOP_HEAD = '=',   /* what is shown, and of which server */
    TOP_TITLE = 't',  /* of a table */
    TOP_CHOSEN = '>', /* the row that Enter opens */
    TOP_GOOD = '+',   /* the best trial */
    TOP_BAD = '!',    /* no answer, a failure */
    TOP_KEYS = '#'    /* what the keys do */
};

/* Appends at most `height` lines of at most `width` columns behind their style, each with its line
 * end. A page of text that was scrolled beyond its end is brought back. */
void top_draw(struct top *top, size_t width, size_t height, struct buf *out);
/* How many rows or lines of the page such a terminal shows. */
size_t top_page_lines(size_t height);

#endif
