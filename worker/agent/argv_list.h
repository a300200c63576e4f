/* A NULL-terminated list of owned strings, as execve() wants them. A failed allocation is kept
 * in `failed` and returned at the end by argv_list_check(). */
#ifndef WORKER_AGENT_ARGV_LIST_H
#define WORKER_AGENT_ARGV_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"

struct argv_list {
    char **items; /* NULL while empty */
    size_t n;
    size_t cap;
    bool failed;
};

void argv_list_finish(struct argv_list *list);
OWN_VALUE(argv_list)
/* Adds a copy of the text. */
void argv_list_add(struct argv_list *list, const char *text);
/* Adds the text, which it owns from now on; NULL counts as a failed allocation. */
void argv_list_add_steal(struct argv_list *list, char *text);
/* Adds a text made from `fmt`. */
void argv_list_printf(struct argv_list *list, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Removes the last text of a list that is not empty. */
void argv_list_drop_last(struct argv_list *list);
/* Adds the arguments of a line as a shell would split it: blanks separate, '…' and "…" hold
 * together,
 * \\ takes the next character as it is. Nothing is substituted. ERR_INVALID: an open quote. */
MUST_USE int argv_list_split(struct argv_list *list, const char *line, struct err *err);
/* ERR_NOMEM when an allocation has failed. */
MUST_USE int argv_list_check(const struct argv_list *list, struct err *err);

#endif
