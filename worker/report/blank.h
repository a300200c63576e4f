/* Blanks between the words of a line: those of ASCII, the wider ones of Unicode, and characters
 * without width. */
#ifndef WORKER_REPORT_BLANK_H
#define WORKER_REPORT_BLANK_H

#include <stddef.h>

/* The bytes of the blank at the beginning of the text; 0: it begins with something else. */
size_t blank_at(const char *text, size_t len);
/* The bytes of all blanks at the beginning. */
size_t blanks_at(const char *text, size_t len);
/* Takes blanks and NUL bytes from both ends. */
void blank_trim(const char **text, size_t *len);

#endif
