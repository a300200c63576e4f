/* The penalty for candidates beside learning curves that did not reach the end. */
#ifndef SERVER_MODEL_CURVE_PENALTY_H
#define SERVER_MODEL_CURVE_PENALTY_H

#include "server/model/acquisition.h"
#include "server/model/gp.h"

/* Creates the term ln(1 − ρ²), without a gradient, where ρ is the greatest correlation of f at the
 * candidate and at a point of `avoided` (borrowed, n > 0). These are the configurations of
 * truncated learning curves: another trial beside one of them would be stopped in the same way.
 * Without the penalty a study suggests one configuration many times. Compare local penalisation,
 * González et al. (2016). ERR_NOMEM. */
MUST_USE int curve_penalty_create(const struct gp *gp, const struct points *avoided, size_t cap,
                                  struct acquisition_term **term, struct err *err);

#endif
