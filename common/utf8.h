/* UTF-8 from anywhere: decoded, made whole, and made fit for a terminal.
 *
 * Texts of clients, servers and files are cut to size and printed. A cut may fall inside a
 * character, bytes may be no UTF-8, and some characters command a terminal or turn the order of
 * what is shown. Nothing here allocates; safe from any thread. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of the character at `text`, of which `len` bytes may be read; 0: they are no UTF-8. */
size_t utf8_decode(const char *text, size_t len, uint32_t *point);

/* C0 and C1 controls, and the invisible characters that turn the direction of writing, join words
 * or end lines. */
bool utf8_is_unseen(uint32_t point);

/* Blanks of any width: the space, the no-break spaces, those of typography and of East Asia. */
bool utf8_is_blank(uint32_t point);

/* Leaves out what a cut left of a character, and puts '?' for other bytes that are no UTF-8. Works
 * in place on a text that ends with NUL; it never gets longer. */
void utf8_mend(char *text);

/* For a line on a terminal or in a log: leaves out unseen characters, with spaces for tabs and line
 * ends, and puts '?' for bytes that are no UTF-8. In place; returns the new length. */
size_t utf8_clean(char *text, size_t len);

#endif
