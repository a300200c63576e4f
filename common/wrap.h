/* Text that is as wide as a terminal: wrapped between words, so that nothing is lost at its edge.
 * Everything is cleaned (common/cell.h). Pure. */
#ifndef COMMON_WRAP_H
#define COMMON_WRAP_H

#include <stddef.h>

#include "common/buf.h"

/* Appends the text as lines of at most `width` columns, each with its line end; `indent` spaces
 * stand before all but the first. Only a word that is wider than a line is cut in pieces. Line ends
 * in the text begin a new line. `width` 0: no line is too wide. */
void wrap_append(struct buf *out, const char *text, size_t width, size_t indent);
/* Appends a page, line by line: what is wrapped goes on two columns further in than its line began.
 */
void wrap_page(struct buf *out, const char *page, size_t width);
/* Appends a name in at most `width` columns; of a longer one the middle is left out: "gpu-n…07:3",
 * since names of workers differ at their ends. Filled up with spaces. */
void wrap_name(struct buf *out, const char *name, size_t width);

#endif
