/* The rungs of a bracket by the rules of algorithms.md, computed a second time, independently of
 * server/schedule/tables.h. */
#ifndef TESTS_SIM_WATCH_TABLES_H
#define TESTS_SIM_WATCH_TABLES_H

#include "tests/sim/watch.h"

/* Fills an empty bracket: levels, and in a synchronous schedule sizes and the budget. */
void watch_plan(const struct watch *watch, size_t index, struct watch_bracket *bracket);

#endif
