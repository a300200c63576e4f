/* A strategy decides what to try next (what to stop is schedule/'s business).
 *
 * It is pure: the same study, history and ordinal give the same answer, and nothing but the outputs
 * changes. It never blocks, logs or reads a clock. Safe from any thread. A cache may make it
 * faster and never changes an answer. */
#ifndef SERVER_STRATEGY_STRATEGY_H
#define SERVER_STRATEGY_STRATEGY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "server/domain/history.h"
#include "server/domain/study.h"

/* One suggestion and why. */
struct suggestion {
    double *x;     /* n_params doubles, given by the caller */
    bool fallback; /* not the strategy's own: the quasi-random point of the ordinal */
    char *explain; /* JSON object (provenance, model, acquisition) or NULL; owned by the caller */
    void *fit;     /* a new fit to store with it, or NULL; owned by the caller */
    size_t fit_bytes;
    uint64_t fit_n_seen;
};

struct strategy {
    const char *name;   /* as spelled in the API: "grid" */
    bool thinks;        /* takes more than microseconds: runs on a thinker thread */
    bool needs_history; /* without it the answer depends on (study, ordinal) alone */
    bool multi_objective;
    bool transfers; /* learns from the studies that this one comes after */

    /* Can it serve these settings? Each fault with its pointer ("/parameters/0/grid"). */
    void (*check)(const struct study_def *study, struct faults *faults);

    /* How many different configurations it can propose; UINT64_MAX when unbounded. */
    uint64_t (*count)(const struct study_def *study);

    /* Fills *out. `seen` holds finished, pending and failed trials and the fits so far; `ordinal`
     * (1, 2, …) names the random stream. ERR_EXHAUSTED: nothing left to try; out owns nothing
     * then. */
    int (*suggest)(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err);
};

/* The strategy of that name, or NULL. */
const struct strategy *strategy_find(const char *name);
/* Can the study's strategy be had, and can it serve the study? To be called on a definition that
 * was read without faults. */
MUST_USE int strategy_check_study(const struct study_def *study, struct faults *faults);
/* All of them, for contract tests; NULL-terminated. */
const struct strategy *const *strategy_all(void);

#endif
