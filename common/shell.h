/* Words for a POSIX shell. */
#ifndef COMMON_SHELL_H
#define COMMON_SHELL_H

#include "common/buf.h"

/* Appends the text in single quotes: one word in every shell, whatever it holds. */
void shell_quote(struct buf *out, const char *text);
/* Appends a line: export NAME='value'. The name is one that a shell takes. */
void shell_export(struct buf *out, const char *name, const char *value);

#endif
