#include "server/tuning/retention.h"

#include <inttypes.h>

#include "server/state/checkpoints.h"
#include "server/state/requests.h"
#include "server/store/audit.h"
#include "server/tuning/reply.h"

#define PURGE_EVERY_MS (60 * 1000)
#define PURGE_NEXT_MS 1000
#define PURGED_AT_ONCE 2000 /* rows of a kind: some milliseconds */
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define PURGE_AFTER_MS (7 * DAY_MS)
#define DAYS_DEFAULT 400

#define SET_MS (60 * 1000)                     /* by more than this in one step */
#define DOWN_MS (INT64_C(20) * 60 * 60 * 1000) /* by more than this since the newest event */

/* Nothing is removed now: such a day is not over. */
static bool retention_holds(const struct tuning *tuning)
{
    return tuning->state.now_ms < tuning->keep_all_until_ms;
}

void retention_note_clock(struct tuning *tuning)
{
    const struct state *state = &tuning->state;
    int64_t offset_ms = state->wall_ms - state->now_ms;
    int64_t step_ms = tuning->has_offset ? offset_ms - tuning->offset_ms : 0;

    /* Held once at a time: a machine that sleeps every night removes something, too. */
    if (step_ms > SET_MS && !retention_holds(tuning)) {
        tuning->keep_all_until_ms = state->now_ms + DAY_MS;
    }
    if (step_ms > SET_MS || step_ms < -SET_MS) {
        tuning->hold_moved = retention_holds(tuning); /* its end by the wall clock is another one */
    }
    tuning->offset_ms = offset_ms;
    tuning->has_offset = true;
}

static int64_t kept_since_ms(const struct tuning *tuning, int64_t days)
{
    return tuning->state.wall_ms - (days > 0 ? days : DAYS_DEFAULT) * DAY_MS;
}

static int purge_events(struct tuning *tuning, bool *more, struct err *err)
{
    struct state *state = &tuning->state;

    TRY(store_event_purge(state->store, kept_since_ms(tuning, tuning->settings.keep_event_days),
                          &tuning->purged_event, PURGED_AT_ONCE, err));
    *more = tuning->purged_event > 0;
    return store_events_purged(state->store, &state->purged_seq, err);
}

/* Keeps it beside what the group writes, so that a restart knows it; a group that writes only later
 * leaves it to the next one. */
static int note_hold(struct tuning *tuning, struct err *err)
{
    const struct state *state = &tuning->state;
    int64_t left_ms = tuning->keep_all_until_ms - state->now_ms;

    if (!store_group_is_dirty(state->store)
        || !(tuning->hold_moved || (tuning->has_hold && left_ms <= 0))) {
        return 0;
    }
    TRY(store_set_retention_hold(state->store, left_ms > 0 ? state->wall_ms + left_ms : 0, err));
    tuning->has_hold = left_ms > 0;
    tuning->hold_moved = false;
    return 0;
}

/* What was held before the start is held for the rest of its day. Where it was not, the newest
 * event tells whether the clock may have been set ahead meanwhile. A day that is over is not
 * followed by another one before something was removed. */
static int load_hold(struct tuning *tuning, int64_t newest_event_ms, struct err *err)
{
    const struct state *state = &tuning->state;
    int64_t until_ms;

    TRY(store_retention_hold(state->store, &until_ms, err));
    tuning->has_hold = until_ms != 0;
    if (tuning->is_loaded) { /* the group that was undone may have written it */
        tuning->hold_moved = retention_holds(tuning);
    } else if (until_ms > state->wall_ms) {
        int64_t left_ms = until_ms - state->wall_ms;
        tuning->keep_all_until_ms = state->now_ms + (left_ms < DAY_MS ? left_ms : DAY_MS);
        tuning->hold_moved = left_ms > DAY_MS; /* the clock was set back since */
    } else if (until_ms == 0 && newest_event_ms != 0
               && newest_event_ms < state->wall_ms - DOWN_MS) {
        tuning->keep_all_until_ms = state->now_ms + DAY_MS;
        tuning->hold_moved = true;
    }
    return 0;
}

int retention_step(struct tuning *tuning, struct err *err)
{
    struct store *store = tuning->state.store;
    bool more[4] = {false};

    TRY(note_hold(tuning, err));
    if (tuning->state.now_ms < tuning->purge_ms) {
        return 0;
    }
    requests_purge(&tuning->state);
    if (retention_holds(tuning)) {
        tuning->purge_ms = tuning->state.now_ms + PURGE_EVERY_MS;
        return 0;
    }
    TRY(store_purge_deleted(store, tuning->state.wall_ms - PURGE_AFTER_MS, PURGED_AT_ONCE, &more[0],
                            err));
    if (store_group_is_dirty(store)) {
        TRY(replies_purge(tuning, PURGED_AT_ONCE, &more[1], err));
        TRY(store_audit_purge(store, kept_since_ms(tuning, tuning->settings.keep_audit_days),
                              PURGED_AT_ONCE, &more[2], err));
        TRY(purge_events(tuning, &more[3], err));
    }
    TRY(obsolete_purge(&tuning->state, tuning->state.wall_ms - PURGE_AFTER_MS, err));
    bool is_soon = more[0] || more[1] || more[2] || more[3];
    tuning->purge_ms = tuning->state.now_ms + (is_soon ? PURGE_NEXT_MS : PURGE_EVERY_MS);
    return 0;
}

int retention_load(struct tuning *tuning, int64_t newest_event_ms, struct err *err)
{
    tuning->purged_event = 0;
    TRY(load_hold(tuning, newest_event_ms, err));
    tuning->is_loaded = true;
    TRY(store_event_gaps(tuning->state.store, &tuning->state.event_gaps, err));
    return store_events_purged(tuning->state.store, &tuning->state.purged_seq, err);
}
