/* Candidates: legal configurations with their positions in the unit cube, encoded, and scored by an
 * acquisition function.
 *
 * A position u is added as the legal configuration whose cell contains it; that configuration, not
 * the position, is scored, compared and returned. */
#ifndef SERVER_STRATEGY_CANDIDATES_H
#define SERVER_STRATEGY_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "server/strategy/encoding.h"

struct candidates {
    const struct encoding *encoding; /* borrowed */
    size_t n, cap, n_params;
    size_t n_scored; /* the first n_scored have a score */
    double *config;  /* n_params × n */
    double *u;       /* n_params × n: positions; ½ where inactive */
    double *score;
    struct points points;
};

/* ERR_NOMEM. */
MUST_USE int candidates_init(struct candidates *candidates, const struct encoding *encoding,
                             size_t cap, struct err *err);
void candidates_finish(struct candidates *candidates);
OWN_VALUE(candidates)

/* Initialises with every configuration of a finite space for which skip() is false, without scores.
 * ERR_NOMEM. */
MUST_USE int candidates_enumerate(struct candidates *candidates, const struct encoding *encoding,
                                  bool (*skip)(const void *context, const double config[]),
                                  const void *context, struct err *err);

/* The configuration and the position of the i-th candidate (n_params each); borrowed until the next
 * is added. */
const double *candidates_config(const struct candidates *candidates, size_t i);
const double *candidates_u(const struct candidates *candidates, size_t i);
/* Adds the legal configuration at u; false: it violates a constraint, or there is no room. */
bool candidates_add(struct candidates *candidates, const double u[]);
/* Adds a configuration; false: likewise. */
bool candidates_add_config(struct candidates *candidates, const double config[]);
/* The points of the candidates without a score, which stand from score[n_scored] on. Set their
 * scores, then call candidates_scored(). */
struct points candidates_unscored(const struct candidates *candidates);
/* Every candidate has a score now. */
void candidates_scored(struct candidates *candidates);
/* order[0 … k-1] ← the k scored candidates of greatest score, the earlier of equals first; returns
 * how many. Candidates with equal scores and positions count once. More than 32 need memory. */
#define CANDIDATES_NO_MEMORY SIZE_MAX
size_t candidates_best(const struct candidates *candidates, size_t k, size_t order[]);

#endif
