/* The encoding of configurations as points of a model, and how a search may vary each parameter.
 *
 * Floats, ints, ordinals and listed values are numbers: their position in the unit interval.
 * Categorical parameters and bools are categories. Constants and other parameters with one value
 * are left out. A number of an imported trial may lie outside its range; its position then lies
 * outside the unit interval, by at most 1. An inactive number is encoded as ½, an inactive category
 * by a code of its own; a point also says which of them are active. */
#ifndef SERVER_STRATEGY_ENCODING_H
#define SERVER_STRATEGY_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "common/space/space.h"
#include "server/model/kernel.h"

struct encoding {
    const struct space *space; /* borrowed */
    size_t n_num, n_cat;
    size_t *num, *cat;  /* the parameter of each number and of each category */
    double *cell;       /* per parameter: width of one value on the unit interval; 0: continuous */
    bool *is_cat;       /* per parameter */
    bool *is_smooth;    /* per parameter: a number with so many values that gradients help */
    double cells_total; /* product of the numbers of values, without conditions; may be INFINITY */
};

/* ERR_NOMEM. */
MUST_USE int encoding_init(struct encoding *encoding, const struct space *space, struct err *err);
void encoding_finish(struct encoding *encoding);
OWN_VALUE(encoding)

/* Numbers and categories together. */
static inline size_t encoding_n_dims(const struct encoding *encoding)
{
    return encoding->n_num + encoding->n_cat;
}

/* points[i] ← the encoded configuration. */
void encoding_put(const struct encoding *encoding, const double config[], struct points *points,
                  size_t i);

/* The value of index `c`, below n_cells, as a configuration holds it. */
double encoding_cell_value(const struct param *param, uint64_t c);

#endif
