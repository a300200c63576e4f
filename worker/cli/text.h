/* Texts, numbers, spans and moments as people read them.
 *
 * Whatever came from a server may carry escape sequences that would move the cursor or retitle the
 * window, so everything shown is cleaned (common/cell.h). */
#ifndef WORKER_CLI_TEXT_H
#define WORKER_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/figures.h"

/* Prints the text cleaned, and ends the line. */
void text_print(FILE *out, const char *text);
/* The same for each line of a page. */
void text_print_page(FILE *out, const char *page);

/* Milliseconds since 1970 of an RFC 3339 moment in UTC ("…Z"); -1 if it is none. */
int64_t text_moment_ms(const char *moment);
/* A moment of the API in local time with its offset: "2026-11-24 22:32:37 +01:00". A text that is
 * no moment is given back as it is, shortened. */
const char *text_local(const char *moment, char text[TEXT_MOMENT_BYTES]);

#endif
