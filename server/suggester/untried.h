/* Suggestions without the configurations that a study has tried already.
 *
 * Where a space holds so few configurations that they can be counted, no strategy suggests one
 * twice, wherever its first trial came from (suggested, enqueued, imported), and all of them
 * together are the end of the search. */
#ifndef SERVER_SUGGESTER_UNTRIED_H
#define SERVER_SUGGESTER_UNTRIED_H

#include "server/domain/config_set.h"
#include "server/strategy/strategy.h"

/* The exact number of legal configurations of the study's space; UINT64_MAX: more than 2^20 (2^17
 * combinations of values where there are constraints), or unknown. The first call may take some
 * 100 ms where there are constraints. */
uint64_t untried_count_all(const struct study_def *study);

/* Does the set of tried configurations hold trials of this source? `n_configurations`: as below. */
bool untried_keeps(const struct strategy *strategy, const struct study_def *study,
                   uint64_t n_configurations, enum trial_source source);

/* What is left to suggest of a study. */
struct untried {
    const struct strategy *strategy; /* one that needs no history */
    const struct study_def *study;
    const struct config_set *tried;
    uint64_t n_configurations; /* untried_count_all() */
};

/* Fills *out with the suggestion of the first ordinal above *ordinal whose configuration is not
 * tried, and sets *ordinal to it. A few microseconds; up to some milliseconds where almost
 * everything is tried. ERR_EXHAUSTED: nothing is left; ERR_NOMEM. */
MUST_USE int untried_suggest(const struct untried *untried, uint64_t *ordinal,
                             struct suggestion *out, struct err *err);

#endif
