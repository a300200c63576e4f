/* The search for the candidate of greatest acquisition in a mixed, conditional space.
 *
 * Uniform candidates and a spray around the best results; then rounds of mutations of the best,
 * with shrinking reach; then, in turn, gradient climbs on the smooth numbers (in lock step) and
 * exchanges of every discrete value. Everything is scored where it is legal.
 *
 * Where most of what is known are beginnings of curves, the very maximum is an artefact of their
 * noise: the search is a light one, without climbs, and mutations are folded back at the bounds
 * instead of clipped onto them (tests/bench/choices.md). */
#ifndef SERVER_STRATEGY_GP_ACQUISITION_SEARCH_H
#define SERVER_STRATEGY_GP_ACQUISITION_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/rng.h"
#include "server/model/acquisition.h"
#include "server/strategy/candidates.h"

struct effort {
    size_t candidates; /* half uniform, half spray */
    int rounds;        /* of mutations */
    size_t keep;       /* the best that are mutated … */
    size_t brood;      /* … so many times each */
    size_t starts;     /* of climbs and exchanges */
    int cycles;        /* climb, exchange */
    int climb_steps;
};

struct search {
    const struct axes *axes;
    struct acquisition *acquisition;
    struct effort effort;
    bool folds;     /* at the bounds */
    size_t n_bases; /* where the spray starts: the best results */
    const double *const *bases;
    struct rng *rng;
    size_t n_uniform; /* out: how many of the pool's first are uniform */
};

/* How much effort a model of n points deserves: less where each score costs more. */
struct effort effort_for(size_t n);
/* Among curves that were begun and stopped. */
struct effort effort_among_curves(void);

/* Fills and scores the pool, which is initialised here. */
MUST_USE int search_run(struct search *search, struct pool *pool, struct err *err);
/* Every configuration of a finite space that `skip` does not refuse, unscored. */
MUST_USE int search_enumerate(const struct axes *axes,
                              bool (*skip)(const void *context, const double x[]),
                              const void *context, struct pool *pool, struct err *err);

#endif
