/* The values at a rung as JSON: "value", as measured, of the first objective. With several there
 * are "values", too, by metric, and with outcome constraints "feasible". */
#ifndef SERVER_SCHEDULE_RUNG_VALUES_H
#define SERVER_SCHEDULE_RUNG_VALUES_H

#include "common/json.h"
#include "server/schedule/state.h"

/* Members of the open object: those of the k-th entry of a rung. */
void rung_values_write(const struct schedule *schedule, const struct rung *rung, size_t k,
                       struct json_writer *w);
/* Those of a row of costs; of one objective the row has one. */
void rung_values_write_costs(const struct schedule *schedule, const double costs[],
                             struct json_writer *w);

#endif
