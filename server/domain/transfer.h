/* From an older study's space to a new one's: what of its trials means something there.
 *
 * Parameters meet by name. Numbers carry over as numbers, choices by their JSON value, a choice
 * that is a number also to and from a numeric parameter. What only the new space has is unknown
 * (NaN) in every row; what only the old one had is dropped. A row is refused where a choice does
 * not exist any more, or a number lies farther beyond the new range than the range is wide: nearer
 * ones tell about the edge, so that a range may be narrowed without losing most of what was
 * learned. */
#ifndef SERVER_DOMAIN_TRANSFER_H
#define SERVER_DOMAIN_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "common/space/space.h"
#include "server/domain/history.h"

enum {
    SOURCES_MAX = 8,      /* older studies that one may name */
    SOURCE_ROWS_MAX = 100 /* trials that are taken of each: what bounds a suggestion's cost */
};

struct transfer; /* the way between two spaces, which it borrows */

/* Both spaces must outlive it. ERR_NOMEM. */
MUST_USE int transfer_create(const struct space *from, const struct space *to,
                             struct transfer **transfer, struct err *err);
void transfer_destroy(struct transfer *transfer);
OWN_POINTER(transfer)

/* Parameters of the new space, with more than one value, about which the old one can say
 * something. */
size_t transfer_shared(const struct transfer *transfer);
/* Why the old one can say nothing about parameter i of the new space though it has one of that
 * name; NULL: it can, or has none, or the parameter has one value. Static text. */
const char *transfer_obstacle(const struct transfer *transfer, size_t i);
/* y (n_params of the new space) ← the configuration x of the old one; false: it means nothing
 * there. y holds numbers as they are, off the steps and beyond the edges too: it is for
 * transfer_place() and transfer_legalise(), and no legal configuration. */
bool transfer_row(const struct transfer *transfer, const double x[], double y[]);

/* Where a row's value (not NaN) stands on the parameter's unit interval, or beyond its ends. */
double transfer_place(const struct param *param, double value);
/* x ← the nearest legal configuration to the row y; what y does not know stands where `unknown`
 * (places in the unit cube) says. False: it breaks a constraint. */
bool transfer_legalise(const struct space *to, const double y[], const double unknown[],
                       double x[]);

/* order[0 …] ← which of n rows to take, in order of their numbers: the best half of
 * SOURCE_ROWS_MAX and an even spread of the others; *n_chosen ← how many. Complete ones stand
 * before pruned ones, then the smaller `sign` × value. `order` has room for n. ERR_NOMEM. */
MUST_USE int transfer_choose(size_t n, const struct observation rows[], double sign, size_t order[],
                             size_t *n_chosen, struct err *err);

#endif
