/* The values of one parameter in a grid. */
#ifndef SERVER_STRATEGY_GRID_GRID_VALUES_H
#define SERVER_STRATEGY_GRID_GRID_VALUES_H

#include <stdint.h>

#include "common/space/space.h"

/* How many values of the parameter a grid has; 0: it is continuous and has no "grid". */
uint64_t grid_param_size(const struct param *param);
/* The k-th of them, increasing. Of ints and steps with fewer "grid" points than values: evenly
 * spaced ones, on the parameter's scale. Continuous ones include both ends; for a normal
 * distribution they are the middles of equally probable intervals. */
double grid_param_value(const struct param *param, uint64_t k);

#endif
