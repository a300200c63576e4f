#include "server/state/lifecycle.h"

#include <stdlib.h>

#include "server/state/checkpoints.h"
#include "server/state/leases.h"
#include "server/state/node_health.h"
#include "server/state/requests.h"
#include "server/state/studies.h"
#include "server/state/tokens.h"
#include "server/state/trials.h"

void state_init(struct state *state, struct store *store)
{
    *state = (struct state){.store = store, .studies_tail = &state->studies};
    job_queue_init(&state->jobs);
}

void state_clear(struct state *state)
{
    size_t at = 0;
    struct live_trial *trial;
    struct live_lease *lease;
    struct live_worker *worker;

    while ((trial = map_next(&state->trial_by_id, &at)) != NULL) {
        trial_leave(state, trial);
        at--; /* the slot may have been filled from behind */
    }
    for (at = 0; (lease = map_next(&state->lease_by_attempt, &at)) != NULL; at--) {
        lease_leave(state, lease);
    }
    while (state->studies != NULL) {
        study_leave(state, state->studies);
    }
    requests_clear(state);
    tokens_clear(state);
    obsolete_clear(state);
    nodes_clear(state);
    /* rows that a rolled-back group had made are no rows */
    for (at = 0; (worker = map_next(&state->worker_by_name, &at)) != NULL;) {
        worker->leases = 0;
        worker->id = 0;
    }
    map_finish(&state->worker_by_id);
    state->n_live_leases = 0;
    state->n_expired = 0;
}

void state_finish(struct state *state)
{
    size_t at = 0;
    struct live_worker *worker;

    state_clear(state);
    while ((worker = map_next(&state->worker_by_name, &at)) != NULL) {
        free(worker);
    }
    map_finish(&state->worker_by_name);
    nodes_finish(state);
    map_finish(&state->study_by_name);
    map_finish(&state->study_by_id);
    map_finish(&state->trial_by_id);
    map_finish(&state->lease_by_attempt);
    heap_finish(&state->lease_deadlines);
    heap_finish(&state->study_clocks);
    job_queue_finish(&state->jobs);
}
