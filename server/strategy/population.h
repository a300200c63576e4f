/* The best of all finished trials under constrained domination, in time linear in their number.
 *
 * Generations follow the trial numbers, whatever the order of arrival: the finished trials are
 * taken in batches of one population's size, and after each batch the best of the population and
 * the batch together are the next population. The last batch may be incomplete, so that every
 * result counts at once, and no worker waits for a generation to end. Up to two populations' size
 * these are the best of all; beyond, a trial that was left out never comes back. */
#ifndef SERVER_STRATEGY_POPULATION_H
#define SERVER_STRATEGY_POPULATION_H

#include "server/strategy/objective_costs.h"

struct population {
    size_t n;
    size_t *members; /* indices in the costs, best first */
};

/* The population, of at most `size` trials, after all of the costs. O(n · size · m) time.
 * ERR_NOMEM. */
MUST_USE int population_init(struct population *population, const struct objective_costs *costs,
                             size_t size, struct err *err);
void population_finish(struct population *population);
OWN_VALUE(population)

#endif
