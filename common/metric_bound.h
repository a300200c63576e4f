/* Outcome constraints: bounds on metrics that trials report ("subject_to": ["p99_ms <= 500"]).
 * (The constraints of the space, on parameters, are common/space/'s.)
 *
 * A trial has one value a bound: what its metric was when the trial ended, as an objective's value
 * is found (an objective that is bounded counts with its fold, every other metric with its last
 * value). NaN: not reported, or reported as NaN. A value may be infinite.
 *
 * Pure functions; any thread. */
#ifndef COMMON_METRIC_BOUND_H
#define COMMON_METRIC_BOUND_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/names.h"

#define BOUNDS_MAX 8

struct metric_bound {
    char metric[METRIC_NAME_BYTES + 1];
    bool is_lower; /* metric >= limit; else metric <= limit */
    double limit;  /* finite */
};

enum feasibility {
    FEASIBILITY_UNKNOWN, /* a bounded metric has no value, and no other bound is violated */
    FEASIBLE,
    VIOLATES
};

/* Reads "METRIC <= NUMBER" or "METRIC >= NUMBER". The name may stand in backquotes, a doubled
 * backquote being one, and has to where it contains < > = or !. ERR_INVALID: the text says what to
 * write instead. */
MUST_USE int metric_bound_parse(const char *text, struct metric_bound *bound, struct err *err);
/* Writes it as metric_bound_parse() reads it; returns `text`. */
#define METRIC_BOUND_BYTES (2 * METRIC_NAME_BYTES + 48)
const char *metric_bound_text(const struct metric_bound *bound, char text[METRIC_BOUND_BYTES]);

/* How far a value lies beyond the limit, in the metric's unit: positive where it violates the
 * bound, 0 or negative where it does not; NaN for NaN. */
double metric_bound_excess(const struct metric_bound *bound, double value);
/* What excesses are divided by before they are added: |limit|, or 1 where that is 0. It depends on
 * the definition alone, so that a trial's violation never changes. */
double metric_bound_scale(const struct metric_bound *bound);

/* `values`: one a bound, or NULL: none is known. Without bounds everything is feasible. */
enum feasibility feasibility_of(size_t n, const struct metric_bound bounds[],
                                const double values[]);
/* How much is violated in all: the sum over the bounds of max(0, excess / scale). 0 exactly for a
 * feasible trial; infinite where a value is not known or infinitely far beyond its limit. It orders
 * trials that are not feasible: less is better (Deb, An efficient constraint handling method for
 * genetic algorithms, Comput. Methods Appl. Mech. Eng. 186, 2000). */
double constraint_violation(size_t n, const struct metric_bound bounds[], const double values[]);

#endif
