/* What a job gets of the environment that its worker was started with. */
#ifndef WORKER_AGENT_INHERITED_H
#define WORKER_AGENT_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "worker/agent/argv_list.h"

/* What the worker's owner has said about it. */
struct inherited_choice {
    bool clean;               /* only what is listed here and in inherited.c */
    const char *const *given; /* "NAME", or "NAME*": that one too; "NAME=VALUE": set to this */
    size_t n_given;
};

/* ERR_INVALID: it is neither NAME nor NAME=VALUE, or a name that is the worker's own. */
MUST_USE int inherited_check(const char *given, struct err *err);

/* Is this variable ("NAME=VALUE") of the worker's passed on? Never one that holds or leads to a
 * secret, or is for the worker's own supervisor: HONE_ but HONE_URL, CREDENTIALS_DIRECTORY,
 * NOTIFY_SOCKET and the like. */
bool inherited_is_passed(const struct inherited_choice *choice, const char *variable);
/* Appends those that the owner sets. */
void inherited_append_set(const struct inherited_choice *choice, struct argv_list *out);

#endif
