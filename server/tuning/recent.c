#include "server/tuning/recent.h"

#include <string.h>

#include "server/state/requests.h"
#include "server/tuning/internal.h"

#define MARK_EVERY_MS (60 * 1000)

/* Those that are older than the newest one of ten minutes ago or more tell nothing. */
static void drop_old(struct recent *recent, int64_t now_ms)
{
    size_t n_old = 0;

    while (n_old < recent->n && now_ms - recent->marks[n_old].at_ms >= REQUEST_KEPT_MS) {
        recent->after_seq = recent->marks[n_old].seq;
        n_old++;
    }
    recent->n -= n_old;
    memmove(recent->marks, recent->marks + n_old, recent->n * sizeof recent->marks[0]);
}

static void mark(struct recent *recent, int64_t now_ms, int64_t seq)
{
    bool is_due = recent->n == 0 || now_ms - recent->marks[recent->n - 1].at_ms >= MARK_EVERY_MS;

    if (is_due && recent->n < RECENT_MARKS_MAX) {
        recent->marks[recent->n++] = (struct recent_mark){now_ms, seq};
    }
}

int recent_step(struct tuning *tuning, struct err *err)
{
    const struct state *state = &tuning->state;
    struct recent *recent = &tuning->recent;

    drop_old(recent, state->now_ms);
    mark(recent, state->now_ms, state->last_seq);
    if (recent->after_seq != recent->stored_seq && store_group_is_dirty(state->store)) {
        TRY(store_set_recent_after(state->store, recent->after_seq, err));
        recent->stored_seq = recent->after_seq;
    }
    return 0;
}

/* A database of a version that did not note it yet. */
static int guess(struct tuning *tuning, int64_t newest_ms, struct err *err)
{
    int64_t wall_ms = tuning->state.wall_ms;
    int64_t active_ms = newest_ms > 0 && newest_ms < wall_ms ? newest_ms : wall_ms;

    return store_event_before(tuning->state.store, active_ms - REQUEST_KEPT_MS,
                              &tuning->recent.after_seq, err);
}

int recent_load(struct tuning *tuning, int64_t newest_ms, struct err *err)
{
    struct recent *recent = &tuning->recent;

    TRY(store_recent_after(tuning->state.store, &recent->stored_seq, err));
    for (size_t i = 0; i < recent->n; i++) { /* some of them may have been undone */
        if (recent->marks[i].seq > tuning->state.last_seq) {
            recent->marks[i].seq = tuning->state.last_seq;
        }
    }
    if (recent->n > 0) {
        return 0;
    }
    recent->after_seq = recent->stored_seq;
    if (recent->stored_seq < 0) {
        TRY(guess(tuning, newest_ms, err));
    }
    mark(recent, tuning->state.now_ms, tuning->state.last_seq);
    return 0;
}
