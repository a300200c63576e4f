#include "server/schedule/bracket.h"

#include <stdlib.h>

#include "common/array.h"

struct bracket *bracket_create(int index, int kind, const struct bracket_plan *plan)
{
    struct bracket *bracket = calloc(1, sizeof *bracket);

    if (bracket == NULL) {
        return NULL;
    }
    bracket->index = index;
    bracket->kind = kind;
    bracket->n_rungs = plan->n;
    bracket->rungs = calloc(plan->n, sizeof *bracket->rungs);
    if (bracket->rungs == NULL) {
        free(bracket);
        return NULL;
    }
    for (size_t i = 0; i < plan->n; i++) {
        bracket->rungs[i].level = plan->rungs[i].level;
        bracket->rungs[i].size = plan->rungs[i].size;
    }
    return bracket;
}

void bracket_destroy(struct bracket *bracket)
{
    if (bracket == NULL) {
        return;
    }
    for (size_t i = 0; bracket->rungs != NULL && i < bracket->n_rungs; i++) {
        ranking_finish(&bracket->rungs[i].all);
        ranking_finish(&bracket->rungs[i].waiting);
        free(bracket->rungs[i].durations_ms);
        free(bracket->rungs[i].rows);
    }
    free(bracket->rungs);
    free(bracket);
}

size_t bracket_outstanding(const struct bracket *bracket, size_t rung)
{
    const struct rung *rungs = bracket->rungs;
    bool is_closed = true; /* the rung below has all its values */
    size_t outstanding = 0;

    if (rungs[0].size == 0) {
        return rungs[rung].started - rungs[rung].reported;
    }
    for (size_t i = 0; i <= rung; i++) {
        size_t width = (size_t)rungs[i].size;
        if (i > 0 && is_closed) {
            size_t coming = rungs[i].started + rungs[i - 1].waiting.n;
            width = coming < width ? coming : width;
        }
        outstanding = width > rungs[i].reported ? width - rungs[i].reported : 0;
        is_closed = is_closed && outstanding == 0;
    }
    return is_closed ? 0 : outstanding;
}

bool bracket_needs_no_lease(const struct bracket *bracket, const struct rung_entry *entry)
{
    return entry->is_short
           || (entry->rung + 1 < bracket->n_rungs
               && entry_reach(entry) >= bracket->rungs[entry->rung + 1].level);
}

int rung_add_duration(struct rung *rung, int64_t duration_ms, struct err *err)
{
    TRY(array_reserve(&rung->durations_ms, rung->n_durations, &rung->cap_durations,
                      sizeof *rung->durations_ms, err));
    size_t at = rung->n_durations++;
    for (; at > 0 && rung->durations_ms[at - 1] > duration_ms; at--) {
        rung->durations_ms[at] = rung->durations_ms[at - 1];
    }
    rung->durations_ms[at] = duration_ms;
    return 0;
}
