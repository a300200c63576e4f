#include "tests/sim/watch_legal.h"

/* How many values a sync rung still waits for. */
static int64_t outstanding(const struct watch_bracket *bracket, size_t rung)
{
    bool closed = true;
    int64_t left = 0;

    for (size_t i = 0; i <= rung; i++) {
        int64_t width = bracket->rungs[i].size;
        if (i > 0 && closed) { /* those below who are in or may yet come in */
            int64_t coming = (int64_t)bracket->rungs[i].n;
            const struct watch_rung *below = &bracket->rungs[i - 1];
            for (size_t k = 0; k < below->n; k++) {
                const struct watch_entry *entry = &below->entries[k];
                coming += entry->is_finite && !entry->is_promoted && !entry->is_out;
            }
            width = coming < width ? coming : width;
        }
        left = width - (int64_t)watch_reported_in(&bracket->rungs[i]);
        closed = closed && left == 0;
    }
    return left;
}

static bool is_certain(const struct watch *watch, const struct watch_bracket *bracket, size_t rung,
                       const struct watch_entry *entry)
{
    const struct watch_rung *here = &bracket->rungs[rung];
    int64_t rank = (int64_t)watch_rank_in(here, entry);

    if (watch->kind == WATCH_SYNC) {
        return rank + outstanding(bracket, rung) < bracket->rungs[rung + 1].size;
    }
    if (watch->kind == WATCH_STOPPING) {
        return entry->may_go_on;
    }
    if (watch->kind == WATCH_PREDICTIVE) {
        return false; /* who may go on is training */
    }
    return !watch->is_progressive && rank < (int64_t)(watch_reported_in(here) / (size_t)watch->eta);
}

int64_t watch_legal_promotion(const struct watch *watch, bool (*is_free)(const void *, int64_t),
                              const void *context)
{
    for (size_t b = 0; b < watch->n_brackets; b++) {
        const struct watch_bracket *bracket = &watch->brackets[b];
        for (size_t rung = 0; rung + 1 < bracket->n_rungs; rung++) {
            for (size_t k = 0; k < bracket->rungs[rung].n; k++) {
                const struct watch_entry *entry = &bracket->rungs[rung].entries[k];
                if (entry->is_finite && !entry->is_promoted && !entry->is_out
                    && is_free(context, entry->trial) && is_certain(watch, bracket, rung, entry)) {
                    return entry->trial;
                }
            }
        }
    }
    return 0;
}

bool watch_has_free_slot(const struct watch *watch)
{
    for (size_t b = 0; b < watch->n_brackets; b++) {
        const struct watch_bracket *bracket = &watch->brackets[b];
        if (!bracket->is_sealed && (int64_t)bracket->rungs[0].n < bracket->rungs[0].size) {
            return true;
        }
    }
    return false;
}
