/* A NULL-terminated list of owned strings, as execve() wants them. A failed allocation is kept and
 * told at the end by words_check(). */
#ifndef WORKER_AGENT_WORDS_H
#define WORKER_AGENT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"

struct words {
    char **items; /* NULL while empty */
    size_t n;
    size_t cap;
    bool failed;
};

void words_finish(struct words *words);
OWN_VALUE(words)
void words_add(struct words *words, const char *text);
void words_add_steal(struct words *words, char *text);
void words_printf(struct words *words, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void words_drop_last(struct words *words);
/* Adds the words of a line as a shell would cut it: blanks separate, '…' and "…" hold together,
 * \\ takes the next character as it is. Nothing is substituted. ERR_INVALID: an open quote. */
MUST_USE int words_split(struct words *words, const char *line, struct err *err);
MUST_USE int words_check(const struct words *words, struct err *err);

#endif
