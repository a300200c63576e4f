/* The two mixtures of tpe: l, the density of good configurations, and g, that of the others.
 *
 * Parameters with the same conditions are active together and form a group. Each group has its own
 * two mixtures over all its parameters at once, built from the configurations in which it is
 * active. A density is the product over the active groups. Without conditions there is one group.
 */
#ifndef SERVER_STRATEGY_TPE_DENSITIES_H
#define SERVER_STRATEGY_TPE_DENSITIES_H

#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "common/rng.h"
#include "server/strategy/encoding.h"

struct density_group;

struct densities {
    const struct encoding *encoding; /* borrowed */
    size_t n_groups;
    struct density_group *groups;
};

/* Configurations on one data: borrowed. */
struct density_data {
    size_t n;
    const double *const *configs;
    const double *weights; /* > 0 up to a factor; NULL: equal */
};

/* ERR_NOMEM. */
MUST_USE int densities_init(struct densities *densities, const struct encoding *encoding,
                            const struct density_data *good, const struct density_data *others,
                            struct err *err);
void densities_finish(struct densities *densities);
OWN_VALUE(densities)

/* u (n_params, in the unit cube) ← a draw from l; the positions of inactive groups have no meaning,
 * and parameters with one value have ½. */
void densities_draw(const struct densities *densities, struct rng *rng, double u[]);
/* ln l and ln g of a configuration. One thread at a time. */
void densities_of(const struct densities *densities, const double x[], double *log_good,
                  double *log_others);

#endif
