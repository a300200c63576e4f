/* The search for the candidate with the greatest acquisition value in a mixed, conditional space.
 *
 * Uniform candidates and perturbations of the incumbents; then rounds of offspring (mutations) of
 * the best candidates with decreasing step; then, in turn, gradient ascent on the smooth numbers
 * (all starts in lock step) and exchanges of every discrete value. Only legal configurations are
 * scored.
 *
 * Where trials are stopped early, most results are truncated curves, and the exact maximum is an
 * artefact of their noise: the search is a short one without ascent, and mutations are reflected at
 * the bounds instead of clipped (tests/bench/choices.md). */
#ifndef SERVER_STRATEGY_GP_ACQUISITION_SEARCH_H
#define SERVER_STRATEGY_GP_ACQUISITION_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/rng.h"
#include "common/stop.h"
#include "server/model/acquisition.h"
#include "server/strategy/candidates.h"

struct search_effort {
    size_t candidates; /* half uniform, half perturbations */
    int rounds;        /* of offspring */
    size_t parents;    /* the best candidates, which have offspring */
    size_t offspring;  /* of each parent */
    size_t starts;     /* of ascent and exchanges */
    int cycles;        /* of ascent and exchanges */
    int ascent_steps;
};

struct acquisition_search {
    const struct encoding *encoding;
    const struct acquisition *acquisition;
    const double *w_num; /* ℓ⁻² of each number: the unit of a step of the ascent is ℓ */
    struct search_effort effort;
    bool reflects;       /* at the bounds; else clips */
    size_t n_incumbents; /* the configurations that are perturbed: the best results */
    const double *const *incumbents;
    struct rng *rng;
    const atomic_bool *stop; /* asks to end (common/stop.h), or NULL */
    size_t n_uniform;        /* out: the first candidates, which are uniform draws */
};

/* The effort for a model of n points: less where each score costs more. */
struct search_effort search_effort_for(size_t n);
/* The effort where trials are stopped early. */
struct search_effort search_effort_early_stopping(void);

/* Initialises, fills and scores the candidates. ERR_NOMEM; ERR_OVERLOADED: asked to stop. */
MUST_USE int acquisition_search_run(struct acquisition_search *search,
                                    struct candidates *candidates, struct err *err);

#endif
