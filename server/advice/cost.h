/* What a technique makes of a budget: how many trials, at what cost, and when it is over. */
#ifndef SERVER_ADVICE_COST_H
#define SERVER_ADVICE_COST_H

#include <jansson.h>
#include <stdbool.h>

#include "server/advice/problem.h"

struct cost {
    double share;           /* full evaluations that a trial costs on the mean, at most 1 */
    double share_from_zero; /* the same if every promotion starts again at step 0 */
    double trials;          /* configurations, a whole number */
    double evaluations;     /* full trainings' worth of all of them */
    double span;            /* seconds until the last is done; 0: not known */
    double thinking;        /* of these, seconds that workers wait for suggestions */
};

/* `options` are the technique's own (`eta`, `rounding`, `brackets`, …), already checked. */
void cost_of(enum technique technique, const struct problem *problem, const struct facts *facts,
             const json_t *options, struct cost *cost);

bool technique_has_brackets(enum technique technique);
/* The bracket table: [{"rungs": [{"trials": 81, "resource": 1}, …]}, …]; where rungs have no size
 * the share of all trials in the place of `trials`. NULL without a schedule. A new reference. */
json_t *technique_brackets(enum technique technique, const struct study_def *study,
                           const json_t *options);

#endif
