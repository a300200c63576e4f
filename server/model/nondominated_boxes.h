/* The region that no point of a front dominates, up to a reference point, as disjoint boxes.
 *
 * All costs are minimised. Each local upper bound of the region gives one box: between its defining
 * points below and the bound above; every box reaches to −∞ in the first cost. Klamroth, Lacour and
 * Vanderpooten (2015), "On the representation of the search region in multi-objective
 * optimization", algorithm 3; Lacour, Klamroth and Fonseca (2017), "A box decomposition algorithm
 * to compute the hypervolume indicator", §3. For two costs there are n + 1 boxes, for three 2n + 1,
 * for four at most about n². Equal costs are told apart by their order, which adds boxes without
 * volume and changes no sum. */
#ifndef SERVER_MODEL_NONDOMINATED_BOXES_H
#define SERVER_MODEL_NONDOMINATED_BOXES_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"

enum { BOX_COSTS_MAX = 4 };

/* One box: the indices of its bounds among the coordinates of each cost. */
struct box {
    uint16_t lower[BOX_COSTS_MAX], upper[BOX_COSTS_MAX];
};

struct nondominated_boxes {
    size_t m;
    size_t n_coords; /* of each cost: the points of the front, and two */
    /* n_coords × m, each cost ascending: −INFINITY first, the reference last */
    double *coord;
    size_t n;
    struct box *items;
};

/* `front`: m costs of each of n points, a point is a column; dominated ones, equal ones and those
 * that are not better than the reference in every cost are left out. 1 ≤ m ≤ 4; fewer than 65,000
 * points. ERR_NOMEM. */
MUST_USE int nondominated_boxes_init(struct nondominated_boxes *boxes, size_t n, size_t m,
                                     const double front[], const double reference[],
                                     struct err *err);
void nondominated_boxes_finish(struct nondominated_boxes *boxes);
OWN_VALUE(nondominated_boxes)

#endif
