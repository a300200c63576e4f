/* The strategies, for the registry, and what they share. */
#ifndef SERVER_STRATEGY_STRATEGIES_H
#define SERVER_STRATEGY_STRATEGIES_H

#include "server/strategy/strategy.h"

extern const struct strategy strategy_grid;
extern const struct strategy strategy_quasirandom;
extern const struct strategy strategy_random;
extern const struct strategy strategy_bayesian;
extern const struct strategy strategy_tpe;

/* For strategies that take no options: each one given is a fault. */
void strategy_refuse_options(const struct study_def *study, struct faults *faults);

#endif
