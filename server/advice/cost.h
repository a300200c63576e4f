/* What a technique makes of a budget: how many trials, at what cost, in what time. */
#ifndef SERVER_ADVICE_COST_H
#define SERVER_ADVICE_COST_H

#include <jansson.h>
#include <stdbool.h>

#include "server/advice/problem.h"

struct cost {
    double share;           /* mean cost of a trial in full evaluations, at most 1 */
    double share_from_zero; /* the same if every promotion starts again at step 0 */
    double trials;          /* configurations, a whole number */
    double evaluations;     /* the cost of all of them, in full evaluations */
    double span;            /* seconds until the last one ends; 0: unknown */
    double waiting;         /* seconds of the span in which workers wait for suggestions */
};

/* A technique with the options it is used with (`eta`, `rounding`, `brackets`, …; checked), for the
 * study of a problem. */
struct technique_use {
    const struct technique *technique;
    const struct study_def *study;
    const json_t *options;
};

void cost_of(const struct technique_use *use, const struct problem *problem,
             const struct problem_features *features, struct cost *cost);

/* The brackets: [{"rungs": [{"trials": 81, "resource": 1}, …]}, …]; rungs without a fixed size have
 * "share", of all trials, instead of "trials", or neither. A new reference; NULL: trials are
 * trained in full. What memory was wanting for is left out; callers look by json_check(). */
json_t *technique_brackets(const struct technique_use *use);

#endif
