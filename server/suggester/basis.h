/* What a suggestion was made from, in a few bytes: with the rows of the store (events, trials,
 * measurements, fits) it gives the snapshot again that the strategy saw (server/replay).
 *
 * Finished and open trials follow from the newest event at that time. Kept besides are how many
 * fits there were, how far the learning curves of open trials reached, and the ordinals that were
 * suggested and had no trial in the snapshot. Numbers are in base 128, low digits first: some ten
 * bytes in a study without a resource, two more for each running trial with a curve. */
#ifndef SERVER_SUGGESTER_BASIS_H
#define SERVER_SUGGESTER_BASIS_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/own.h"

#define BASIS_BYTES_MAX ((size_t)1 << 20)

/* The learning curve of an open trial. */
struct basis_curve {
    int64_t trial;    /* its number */
    int64_t reported; /* the highest step of its newest attempt; -1: none */
    size_t n_points;
};

struct basis {
    int64_t seq; /* the newest event */
    size_t n_fits;
    size_t n_suggested;
    uint64_t *suggested; /* ordinals behind the open trials, in order of the snapshot; owned */
    size_t n_curves;
    struct basis_curve *curves; /* in order of trial, those with points; owned */
};
void basis_finish(struct basis *basis);
OWN_VALUE(basis)

/* Appends it to `out`. */
void basis_write(const struct basis *basis, struct buf *out);
/* *basis ← what was written. ERR_IO: it is no basis; ERR_NOMEM. */
MUST_USE int basis_read(const void *bytes, size_t len, struct basis *basis, struct err *err);

#endif
