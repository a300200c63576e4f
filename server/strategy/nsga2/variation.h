/* The variation of nsga2: a configuration from two others.
 *
 * Uniform crossover takes each parameter from either parent; where only one of them has it, from
 * that one; where none has it, it is drawn anew. Mutation draws a category anew, and a
 * number either anew or near where it was (polynomial mutation; Deb and Agrawal, 1999). Values are
 * positions in the unit cube, so that steps, scales and conditions are those of the space. */
#ifndef SERVER_STRATEGY_NSGA2_VARIATION_H
#define SERVER_STRATEGY_NSGA2_VARIATION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/rng.h"
#include "server/strategy/encoding.h"

struct variation {
    bool is_crossed;  /* the child has parameters of both parents */
    size_t n_mutated; /* parameters changed by mutation */
};

/* u (n_params) ← a child of the two configurations. `a` and `b` hold NaN where a parameter is
 * inactive; `scratch` has room for n_params. The constraints of the space are not checked. */
struct variation variation_breed(const struct encoding *encoding, const double a[],
                                 const double b[], struct rng *rng, double scratch[], double u[]);

#endif
