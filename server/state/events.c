#include "server/state/events.h"

int event_append(struct state *state, enum event_kind kind, int64_t study, int64_t trial,
                 int64_t attempt, struct err *err)
{
    struct event_row event = {
        .study = study,
        .kind = kind,
        .trial = trial,
        .attempt = attempt,
        .at_ms = state->wall_ms,
    };

    return store_event_append(state->store, &event, &state->last_seq, err);
}
