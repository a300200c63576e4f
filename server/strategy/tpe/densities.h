/* The two mixtures of tpe: where good configurations are dense, and where the others are.
 *
 * Parameters with the same conditions are active together and make a group; each group has mixtures
 * of its own over all its parameters at once, made of the configurations in which it is active. A
 * density is the product over the groups that are active. Without conditions there is one group.
 * algorithms.md §2, "group". */
#ifndef SERVER_STRATEGY_TPE_DENSITIES_H
#define SERVER_STRATEGY_TPE_DENSITIES_H

#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "common/rng.h"
#include "server/strategy/encoding.h"

struct density_group;

struct densities {
    const struct axes *axes; /* borrowed */
    size_t n_groups;
    struct density_group *groups;
};

/* Configurations on one side: borrowed. */
struct density_side {
    size_t n;
    const double *const *x;
    const double *weights; /* > 0 up to a factor; NULL: equal */
};

/* ERR_NOMEM. */
MUST_USE int densities_init(struct densities *densities, const struct axes *axes,
                            const struct density_side *good, const struct density_side *others,
                            struct err *err);
void densities_finish(struct densities *densities);
OWN_VALUE(densities)

/* place (n_params, in the unit cube) ← a draw from the good; where a group turns out not to be
 * active its numbers stand for nothing. What has one value alone stands in the middle. */
void densities_draw(const struct densities *densities, struct rng *rng, double place[]);
/* ln l and ln g of a configuration. Not for two threads at a time. */
void densities_of(const struct densities *densities, const double x[], double *log_good,
                  double *log_others);

#endif
