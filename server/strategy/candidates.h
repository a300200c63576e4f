/* Candidates: legal configurations with their places in the unit cube, as model points, scored.
 *
 * A place enters by being rounded to the legal configuration whose cell holds it; what is scored,
 * compared and returned is that configuration, never the place it came from. */
#ifndef SERVER_STRATEGY_CANDIDATES_H
#define SERVER_STRATEGY_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "server/strategy/encoding.h"

struct pool {
    const struct axes *axes; /* borrowed */
    size_t n, cap, n_params;
    size_t n_scored; /* the first ones have a score */
    double *x;       /* n_params × n: configurations */
    double *u;       /* n_params × n: their encoding; ½ where inactive */
    double *score;
    struct points points;
};

MUST_USE int pool_init(struct pool *pool, const struct axes *axes, size_t cap, struct err *err);
void pool_finish(struct pool *pool);
OWN_VALUE(pool)

double *pool_x(const struct pool *pool, size_t i);
double *pool_u(const struct pool *pool, size_t i);
/* Adds the legal configuration at `place`; false when it breaks a constraint or the pool is full.
 */
bool pool_add(struct pool *pool, const double place[]);
/* Adds a legal configuration. */
bool pool_add_config(struct pool *pool, const double x[]);
/* The candidates without a score yet, as points; give them one, then call pool_scored(). */
struct points pool_unscored(const struct pool *pool);
void pool_scored(struct pool *pool);
/* order[0 … k-1] ← the best k of the scored, best first, the earlier of equals; returns how many.
 * Each configuration once: equal scores at equal places are taken for the same. */
size_t pool_best(const struct pool *pool, size_t k, size_t order[]);

#endif
