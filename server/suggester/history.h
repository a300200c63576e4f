/* What a study has seen so far, kept in memory for strategies that learn from it: finished trials
 * in the order in which they ended, and the stored fits.
 *
 * Both only grow, and what they point to never moves, so a snapshot (snapshot.h) borrows from here
 * and holds a reference. Only the writer thread appends; holding and destroying is safe from any
 * thread. Memory: some 100 bytes and the configuration a trial. */
#ifndef SERVER_SUGGESTER_HISTORY_H
#define SERVER_SUGGESTER_HISTORY_H

#include <stdatomic.h>

#include "common/own.h"
#include "server/domain/history.h"
#include "server/domain/shared_def.h"
#include "server/store/store.h"
#include "server/suggester/sources.h"

struct trial_history {
    atomic_int holders;
    struct shared_def *def; /* held */
    size_t n, cap;
    struct observation *items; /* their numbers and curves are owned here */
    size_t n_fits, cap_fits;
    struct fit *fits;       /* their data is owned here */
    struct sources sources; /* copied from older studies when the study was created */
};

/* NULL: out of memory. */
struct trial_history *trial_history_create(struct shared_def *def);
/* Returns the history, held once more. */
struct trial_history *trial_history_hold(struct trial_history *history);
/* Frees it with its last holder; accepts NULL. */
void trial_history_destroy(struct trial_history *history);
OWN_POINTER(trial_history)

/* Appends a trial that has ended. Cancelled and lost ones are left out: they say nothing about the
 * configuration. The curve (may be empty) is copied. ERR_NOMEM. */
MUST_USE int trial_history_append(struct trial_history *history, const struct trial_row *row,
                                  const struct curve_point *curve, size_t n_curve, struct err *err);
/* Appends a fit that was made from the first `n_seen` trials; copies the data. ERR_NOMEM. */
MUST_USE int trial_history_add_fit(struct trial_history *history, uint64_t n_seen, const void *data,
                                   size_t bytes, struct err *err);
/* Takes the source studies; to be called before the first snapshot. */
void trial_history_set_sources(struct trial_history *history, struct sources *sources);

#endif
