/* What a suggestion's explanation says whatever the model: JSON, stored with the trial. */
#ifndef SERVER_STRATEGY_EXPLANATION_H
#define SERVER_STRATEGY_EXPLANATION_H

#include <stdbool.h>

#include "common/json.h"
#include "server/strategy/candidates.h"
#include "server/strategy/evaluations.h"

enum { WHY_OTHERS = 3, WHY_MAX = 1 << 16 };

/* "results", "failed", "pending", and "pending_trials": those that have a number yet, 32 at most.
 */
void why_write_history(const struct trials *trials, size_t results, struct json_writer *w);
/* "incumbent" and "incumbent_trial": the best completed trial; nothing without one. */
void why_write_incumbent(const struct study_def *study, const struct trials *trials,
                         struct json_writer *w);
/* Does the candidate stand apart from the chosen one and from those already named? What a search
 * finds next best is mostly the same again, a hair away. */
bool why_stands_apart(const struct pool *pool, size_t candidate, size_t chosen, size_t n,
                      const size_t others[]);
/* "others": the next best that stand apart, each with its acquisition value. */
void why_write_others(const struct pool *pool, size_t n, const size_t others[],
                      struct json_writer *w);
/* The explanation of a point that no model made; `size` is how many such there are, 0: unknown.
 * NULL without memory. */
char *why_no_model(const char *kind, uint64_t point, uint64_t size);

#endif
