/* One step of building a grid_tree: see grid_links.c. */
#ifndef SERVER_STRATEGY_GRID_GRID_LINKS_H
#define SERVER_STRATEGY_GRID_GRID_LINKS_H

#include "server/strategy/grid/grid_tree.h"

/* -1 without memory. */
MUST_USE int grid_param_link(struct grid_param *parent, const struct space *space, size_t i);
/* The number of the value that is the `within`-th of its class. */
uint64_t grid_class_value(const struct grid_param *parent, size_t kind, uint64_t within);

#endif
