#include "server/state/lifecycle.h"

#include <stdlib.h>

#include "server/state/checkpoints.h"
#include "server/state/leases.h"
#include "server/state/node_health.h"
#include "server/state/requests.h"
#include "server/state/studies.h"
#include "server/state/tokens.h"
#include "server/state/trials.h"
#include "server/state/workers.h"

void state_init(struct state *state, struct store *store)
{
    *state = (struct state){.store = store, .studies_tail = &state->studies};
    state->touched.tail = &state->touched.first;
    job_queue_init(&state->jobs);
}

void state_clear(struct state *state)
{
    size_t at = 0;
    struct live_trial *trial;
    struct live_lease *lease;

    while ((trial = map_next(&state->trial_by_id, &at)) != NULL) {
        trial_leave(state, trial);
        at--; /* the slot may have been filled from behind */
    }
    for (at = 0; (lease = map_next(&state->lease_by_attempt, &at)) != NULL; at--) {
        lease_leave(state, lease);
    }
    studies_settled(state);
    while (state->studies != NULL) {
        study_leave(state, state->studies);
    }
    requests_clear(state);
    tokens_clear(state);
    obsolete_clear(state);
    nodes_clear(state);
    workers_clear(state);
    state->n_live_leases = 0;
    state->n_expired = 0;
}

void state_finish(struct state *state)
{
    state_clear(state);
    workers_finish(state);
    nodes_finish(state);
    free(state->by_name);
    map_finish(&state->study_by_name);
    map_finish(&state->study_by_id);
    map_finish(&state->trial_by_id);
    map_finish(&state->lease_by_attempt);
    heap_finish(&state->lease_deadlines);
    heap_finish(&state->study_clocks);
    job_queue_finish(&state->jobs);
}
