/* All tables together: made, emptied, freed. */
#ifndef SERVER_STATE_LIFECYCLE_H
#define SERVER_STATE_LIFECYCLE_H

#include "server/state/state.h"

/* Where it lies it stays: the tables point into it. */
void state_init(struct state *state, struct store *store);
/* Empties every table but those of the workers and nodes, whose rows are forgotten. */
void state_clear(struct state *state);
void state_finish(struct state *state);

#endif
