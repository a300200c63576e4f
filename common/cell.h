/* One text as a cell of a line: made fit for a terminal, measured and filled up in its columns.
 *
 * Texts may come from clients and servers and hold what would command a terminal (move its cursor,
 * retitle its window, turn the direction of writing). Two ways out: cleaning leaves it out,
 * escaping shows it. Everything appends to a caller's buffer, whose `failed` is set at its limit or
 * without memory (common/buf.h). Safe from any thread. */
#ifndef COMMON_CELL_H
#define COMMON_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

/* Appends `text` without C0 and C1 controls and without the invisible characters that turn the
 * direction of writing; tabs and line ends become spaces, bytes that are no UTF-8 become '?'. */
void cell_append_clean(struct buf *out, const char *text);
/* The same for the first `len` bytes of a text. */
void cell_append_clean_n(struct buf *out, const char *text, size_t len);

/* Appends `text` with those characters written as "\x1b" or "\u202e", and so bytes that are no
 * UTF-8. */
void cell_append_escaped(struct buf *out, const char *text);
/* Appends one character so: `point` in `n` bytes; n 0: the first of the bytes is no UTF-8. */
void cell_append_escape(struct buf *out, const char *bytes, size_t n, uint32_t point);

/* Appends `text` as a cell of CSV (RFC 4180): in quotes when it holds a comma, a quote or a line
 * end, with every quote doubled. `quote_space`: also when it begins with a space. */
void cell_append_csv(struct buf *out, const char *text, bool quote_space);

/* Returns how many columns a clean UTF-8 text takes on a terminal: wide characters take two,
 * combining ones none. */
size_t cell_columns(const char *text);
/* Appends `text`, cut to `width` columns (with "…" when something was cut) and filled up with
 * spaces, before it if `right`. */
void cell_append_fitted(struct buf *out, const char *text, size_t width, bool right);
/* The same with "...", for a terminal of which nothing is known. */
void cell_append_fitted_ascii(struct buf *out, const char *text, size_t width);

#endif
