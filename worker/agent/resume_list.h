/* Which spools in the state directory an earlier worker has left to be taken up (slot_resume.h). */
#ifndef WORKER_AGENT_RESUME_LIST_H
#define WORKER_AGENT_RESUME_LIST_H

#include "worker/agent/slot_state.h"

/* What is to be taken up. */
struct resume_list {
    size_t n, cap;
    char **paths; /* spools in the order of their names; owned */
};
void resume_list_finish(struct resume_list *list);
OWN_VALUE(resume_list)

/* Finds the spools in the context's state directory that are not closed; removes those that are.
 * One of another server stays where it is, or makes room for the first `n_slots` slots' own. One of
 * these that only says under which id a trial was asked for is found, too. ERR_IO, ERR_NOMEM. */
MUST_USE int resume_find(const struct agent_context *context, size_t n_slots,
                         struct resume_list *list, struct err *err);
/* The path of a slot's own spool; the caller frees it. NULL: out of memory. */
char *resume_path(const struct agent_context *context, size_t slot);

#endif
