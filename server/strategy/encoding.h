/* From configurations to the points of a model, and what a search may do with each parameter.
 *
 * Floats, ints, ordinals and listed values are numbers (their place in the unit cube); categorical
 * parameters and bools are categories. Constants and other one-valued parameters are left out. An
 * inactive number stands at ½, an inactive category takes a code of its own. */
#ifndef SERVER_STRATEGY_ENCODING_H
#define SERVER_STRATEGY_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "common/space.h"
#include "server/model/kernel.h"

struct axes {
    const struct space *space; /* borrowed */
    size_t n_num, n_cat;
    size_t *num, *cat;  /* parameter of each number and category */
    double *cell;       /* per parameter: width of a cell of the unit interval; 0: continuous */
    bool *is_cat;       /* per parameter */
    bool *is_smooth;    /* per parameter: a number with so many values that gradients help */
    double cells_total; /* different configurations, conditions ignored; INFINITY when continuous */
};

MUST_USE int axes_init(struct axes *axes, const struct space *space, struct err *err);
void axes_finish(struct axes *axes);
OWN_VALUE(axes)

static inline size_t axes_count(const struct axes *axes)
{
    return axes->n_num + axes->n_cat;
}

/* points[i] ← the configuration. */
void axes_put(const struct axes *axes, const double x[], struct points *points, size_t i);

/* The c-th of a parameter's n_cells values, as a configuration holds it. */
double axes_cell(const struct param *param, uint64_t c);

#endif
