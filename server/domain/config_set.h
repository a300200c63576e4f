/* A set of configurations of one space: those that a study has tried.
 *
 * Two configurations are the same when their active parameters have equal values. A configuration
 * counts as often as it was added. Memory: some 50 bytes each. One thread at a time. */
#ifndef SERVER_DOMAIN_CONFIG_SET_H
#define SERVER_DOMAIN_CONFIG_SET_H

#include "common/map.h"
#include "common/space/space.h"

struct config_set {
    struct map by_key; /* struct config_entry, chained where 64 bits of their keys are equal */
    uint64_t n;        /* different configurations */
};

void config_set_finish(struct config_set *set);
/* Adds a configuration once more. ERR_NOMEM. */
MUST_USE int config_set_add(struct config_set *set, const struct space *space,
                            const double config[], struct err *err);
/* Takes one addition back; nothing where there is none. */
void config_set_remove(struct config_set *set, const struct space *space, const double config[]);
bool config_set_contains(const struct config_set *set, const struct space *space,
                         const double config[]);

#endif
