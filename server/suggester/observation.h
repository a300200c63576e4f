/* An observation with memory of its own: its configuration, its values and those of its bounded
 * metrics stand in one block. */
#ifndef SERVER_SUGGESTER_OBSERVATION_H
#define SERVER_SUGGESTER_OBSERVATION_H

#include "common/err.h"
#include "server/domain/history.h"
#include "server/store/store.h"

/* *seen ← what a trial that has ended tells a strategy, without a curve; borrows from the row.
 * False: it tells nothing: it was cancelled or lost. */
bool observation_of_end(const struct trial_row *row, struct observation *seen);
/* *seen ← what an open trial tells, without a curve: one that waits at a rung tells as much as one
 * that was pruned there, until it goes on. Borrows from the row. */
void observation_of_open(const struct trial_row *row, struct observation *seen);

/* Copies them to `to`, which has room for n_params + n_values + n_bounded numbers, and points at
 * the copies. */
void observation_move_to(struct observation *seen, size_t n_params, double *to);
/* Copies them into a block that the observation owns from then on. ERR_NOMEM: it stays as it was,
 * borrowed. */
MUST_USE int observation_own(struct observation *seen, size_t n_params, struct err *err);
/* Frees the block, not the curve. */
void observation_release(struct observation *seen);

/* Frees what is lent as const and owned here. */
void release_const(const void *owned);

#endif
