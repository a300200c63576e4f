/* Lines for a terminal, as many and as wide as there is room for. */
#ifndef WORKER_CLI_SHOW_PICTURE_H
#define WORKER_CLI_SHOW_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

struct picture {
    struct buf *out; /* borrowed */
    size_t width, rows_left;
    bool color;
};

/* Adds the lines of `text`, which fit; each in colour of its own, so that widths need not know
 * about it. `sequence` NULL: none. */
void picture_lines(struct picture *picture, const char *text, const char *sequence);
/* Adds one line, cleaned and cut to the width. */
void picture_line(struct picture *picture, const struct buf *line, const char *sequence);
/* Adds a text wrapped between words, its further lines indented. */
void picture_wrapped(struct picture *picture, const char *text, size_t indent,
                     const char *sequence);

#endif
