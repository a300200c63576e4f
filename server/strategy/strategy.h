/* A strategy suggests which configuration to try next. (Which trials stop is decided by schedule/.)
 *
 * It is pure: the same study, history and ordinal give the same suggestion, and nothing but the
 * outputs changes. It never blocks, logs or reads a clock. Safe from any thread. A cache may make
 * it faster and never changes a suggestion. */
#ifndef SERVER_STRATEGY_STRATEGY_H
#define SERVER_STRATEGY_STRATEGY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "server/domain/history.h"
#include "server/domain/study.h"

/* One suggestion, with its explanation. */
struct suggestion {
    double *config; /* n_params doubles, given by the caller */
    bool fallback; /* the strategy could not serve; this is the quasi-random point of the ordinal */
    char *explain; /* JSON object (provenance, model, acquisition) or NULL; owned by the caller */
    void *fit;     /* a new fit to store with it, or NULL; owned by the caller */
    size_t fit_bytes;
    uint64_t fit_n_seen;
};

struct strategy {
    const char *name;   /* as spelled in the API: "grid" */
    bool is_async;      /* takes more than microseconds: runs on an optimiser thread */
    bool needs_history; /* without it the answer depends on (study, ordinal) alone */
    bool multi_objective;
    bool is_search; /* can be the search of a schedule */
    bool transfers; /* learns from the studies in "after" */
    bool enumerates; /* the suggestions of ordinals 1 … count() are all different; then none is left
                      */

    /* Adds a fault, with its pointer ("/parameters/0/grid"), for each setting it cannot serve. */
    void (*check)(const struct study_def *study, struct faults *faults);
    /* The same for what it asks of the space alone, as the search of a schedule; NULL: nothing. */
    void (*check_space)(const struct study_def *study, struct faults *faults);

    /* How many different configurations it can suggest; UINT64_MAX: unbounded. */
    uint64_t (*count)(const struct study_def *study);

    /* Fills *out. `seen` holds finished, pending and failed trials and the fits so far; `ordinal`
     * (1, 2, …) selects the random stream. ERR_EXHAUSTED: nothing is left to try; ERR_OVERLOADED:
     * seen->stop was set. After an error *out owns nothing. */
    int (*suggest)(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err);

    /* Of a strategy whose suggestions rest on a fit; else both are NULL. With `n` finished
     * observations, each fit being made as soon as it is due: from how many, the first ones, is the
     * newest made? */
    uint64_t (*fit_due)(uint64_t n);
    /* Makes the fit that a suggestion of this history would make, without any to begin with: fills
     * `fit`, `fit_bytes` and `fit_n_seen` of *out; no fit where too little is known. Errors as with
     * suggest(). */
    int (*make_fit)(const struct study_def *study, const struct history *seen,
                    struct suggestion *out, struct err *err);

    /* Appends a sentence about where a configuration came from, and returns its kind. `explain`:
     * what suggest() noted, parsed, or NULL. Returns NULL, and appends nothing, where it is not one
     * of its own kinds. May be NULL. */
    const char *(*describe)(const json_t *explain, uint64_t ordinal, struct buf *text);
};

#define STRATEGIES_MAX 16

/* The strategy of that name, or NULL. */
const struct strategy *strategy_find(const char *name);
/* Adds faults if the study's strategy does not exist or cannot serve it; -1 if there are any. The
 * definition must have been read without faults. */
MUST_USE int strategy_check_study(const struct study_def *study, struct faults *faults);
/* All strategies, NULL-terminated. */
const struct strategy *const *strategy_all(void);
/* Writes the names of those that can be the search of a schedule, and NULL behind the last. */
void strategy_searches(const char *names[STRATEGIES_MAX + 1]);

/* Appends a sentence about where a configuration came from, and returns its kind: "initial_design",
 * "transfer", "model", "quasirandom", or the name of the search. `search`: its strategy; `explain`:
 * what suggest() noted, parsed, or NULL. */
const char *strategy_describe(const char *search, const json_t *explain, uint64_t ordinal,
                              struct buf *text);

#endif
