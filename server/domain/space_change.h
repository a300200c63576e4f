/* The search space of a study is changed while it has trials: what is sound, and how the trials are
 * read afterwards.
 *
 * A configuration holds numbers as they are and choices by index, so it stays what it was where
 * bounds, scales, steps and defaults change, where choices are added behind the others or removed,
 * for a removed one keeps its index, and where parameters are added behind the others. Those that
 * are added have had one value in all the trials that there are. Everything else needs another
 * study, which can learn from this one ("after"). */
#ifndef SERVER_DOMAIN_SPACE_CHANGE_H
#define SERVER_DOMAIN_SPACE_CHANGE_H

#include "common/own.h"
#include "common/space/space.h"

struct space_change {
    size_t n_before; /* parameters of the old space */
    double *added;   /* the value of each later one in the trials there are; owned */
};
void space_change_finish(struct space_change *change);
OWN_VALUE(space_change)

/* `parameters` is the list that `to` was read from; an added parameter may have an "old_value",
 * else its default is taken. Each reason why the change is not sound is a fault that points into
 * "/parameters"; `study` is what "after" would name. -1 with the faults, or out of memory, which
 * *faults notes. */
MUST_USE int space_change_read(const struct space *from, const struct space *to,
                               const json_t *parameters, const char *study,
                               struct space_change *change, struct faults *faults);
/* x (n_params of the new space) ← a configuration of the old one. */
void space_change_extend(const struct space_change *change, const struct space *to,
                         const double before[], double x[]);
/* The list to read the new space from, for the caller to own: without "old_value", and with the
 * choices of `from` that are left out as "removed". NULL: out of memory. */
json_t *space_change_plain(const struct space *from, const json_t *parameters);

#endif
