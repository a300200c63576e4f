/* Words for a POSIX shell. */
#ifndef COMMON_SHELL_H
#define COMMON_SHELL_H

#include "common/buf.h"

/* Appends the text in single quotes: one word in every shell, whatever it holds. */
void shell_quote(struct buf *out, const char *text);

#endif
