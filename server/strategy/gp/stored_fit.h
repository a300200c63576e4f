/* The hyper-parameters of a surrogate as a row that is stored with a suggestion, so that a
 * suggestion can be repeated from what it saw.
 *
 * A row holds theta of each modelled metric (the objectives, then the constraints) and, where there
 * is a feasibility model, its theta after them. */
#ifndef SERVER_STRATEGY_GP_STORED_FIT_H
#define SERVER_STRATEGY_GP_STORED_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/history.h"

/* The shape of a fit. */
struct fit_shape {
    size_t n_theta;   /* hyper-parameters of one model */
    size_t n_metrics; /* modelled metrics */
    bool has_feasibility;
};

/* Hyper-parameters of all models. */
size_t fit_shape_count(const struct fit_shape *shape);

/* The row (free() it), with *bytes its size; NULL: out of memory. */
void *stored_fit_bytes(const struct fit_shape *shape, const double theta[], size_t *bytes);
/* theta ← that of the row, which must have the n_theta and n_metrics of *shape; sets
 * shape->has_feasibility. `theta` has room for a feasibility model. False, and nothing changed: it
 * is another kind of row. */
bool stored_fit_read(const struct fit *fit, struct fit_shape *shape, double theta[]);
/* Reads the newest row of this shape that was made from at most n_finished trials, likewise; NULL:
 * none. */
const struct fit *stored_fit_newest(const struct history *seen, uint64_t n_finished,
                                    struct fit_shape *shape, double theta[]);

/* With n finished trials and the newest fit made from `fitted_at` of them, is a new one due? After
 * every result up to 30, then after every ⌈n/20⌉. */
bool stored_fit_is_due(uint64_t n, uint64_t fitted_at);
/* With n finished trials, and each fit made as soon as it is due: from how many is the newest? */
uint64_t stored_fit_due(uint64_t n);

#endif
