/* What the files of strategies share. Each defines a `const struct strategy strategy_NAME`, which
 * registry.c lists. */
#ifndef SERVER_STRATEGY_STRATEGIES_H
#define SERVER_STRATEGY_STRATEGIES_H

#include "server/strategy/strategy.h"

/* For strategies that take no options: each one given is a fault. */
void strategy_refuse_options(const struct study_def *study, struct faults *faults);

/* How many configurations a space has, conditions and constraints ignored; UINT64_MAX: unbounded,
 * or more than 2^53. */
uint64_t strategy_count_space(const struct study_def *study);

#endif
