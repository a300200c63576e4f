/* What a program printed, made fit for a terminal, piece by piece.
 *
 * Line ends stay, a carriage return becomes one, so that a progress bar is a list of its states.
 * Other control characters, those that turn the direction of writing and bytes that are no UTF-8
 * are written as \x1b or \u202e: they are seen and command nothing. A character may be cut in two
 * by a piece's end. Nothing is shared; any thread. */
#ifndef COMMON_SCREEN_TEXT_H
#define COMMON_SCREEN_TEXT_H

#include "common/buf.h"

struct screen_text { /* zeroed at first */
    char cut[4];     /* the beginning of a character whose end has not come */
    size_t n_cut;
    bool after_return; /* a line feed would belong to it */
};

/* Appends the piece. */
void screen_text_append(struct screen_text *text, const char *bytes, size_t len, struct buf *out);
/* No piece follows: appends what was cut. */
void screen_text_end(struct screen_text *text, struct buf *out);

#endif
