/* Words for a POSIX shell. */
#ifndef COMMON_SHELL_H
#define COMMON_SHELL_H

#include "common/buf.h"

/* Appends the text in single quotes: one word in every shell, whatever it holds. */
void shell_quote(struct buf *out, const char *text);
/* Appends the text as one word, in quotes where a shell would not take it as it is, behind a blank
 * where something stands in front of it. */
void shell_append_word(struct buf *out, const char *text);
/* Appends a line: export NAME='value'. The name is one that a shell takes. */
void shell_export(struct buf *out, const char *name, const char *value);

#endif
