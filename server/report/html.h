/* Texts and numbers in HTML. Any thread; a buffer that fails swallows what follows (common/buf.h).
 */
#ifndef SERVER_REPORT_HTML_H
#define SERVER_REPORT_HTML_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

/* Appends a text of unknown origin, as content or as the value of a quoted attribute: what HTML
 * reads as markup is escaped, unseen characters and bytes that are no UTF-8 become U+FFFD. */
void html_text(struct buf *out, const char *text);
/* The same, at most `max` characters of it, then "…"; true: something was left out. */
bool html_text_cut(struct buf *out, const char *text, size_t max);

/* Four significant digits, for people: "0.3142", "1.5e-5"; "NaN", "∞", "−∞". */
#define SHORT_BYTES 32
const char *short_number(double value, char text[SHORT_BYTES]);
/* "100,000". */
const char *short_count(int64_t n, char text[SHORT_BYTES]);
/* "42 s", "3 min 20 s", "5 h 12 min", "2 d 3 h". */
const char *short_span(double seconds, char text[SHORT_BYTES]);
/* "2026-11-24 21:32 UTC"; "–" where there is no moment (0). */
const char *short_moment(int64_t wall_ms, char text[SHORT_BYTES]);

#endif
