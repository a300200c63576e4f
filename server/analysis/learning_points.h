/* The learning curve of one trial from the measurements of all its attempts.
 *
 * An attempt may begin where an earlier one had a checkpoint, or from the start again. From the
 * first step that it has measured on, what earlier attempts measured counts no more. Plain memory;
 * not shared between threads. */
#ifndef SERVER_ANALYSIS_LEARNING_POINTS_H
#define SERVER_ANALYSIS_LEARNING_POINTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"

struct learning_point {
    int64_t attempt;
    int64_t step;
    double value; /* may be NaN or infinite */
};

struct learning_points {
    size_t n, cap;
    struct learning_point *items;
};
void learning_points_finish(struct learning_points *points);
OWN_VALUE(learning_points)
/* Empties; keeps the memory. */
void learning_points_clear(struct learning_points *points);
/* For store_each_measurement() of one metric: `points` is a struct learning_points. ERR_NOMEM. */
MUST_USE int learning_points_add(void *points, int64_t metric, int64_t attempt, int64_t step,
                                 double value, struct err *err);
/* Keeps what counts, in order of steps, one point each; of more than `most` (at least 2) so many at
 * equal distances, with the first and the last one. O(n log n). */
void learning_points_settle(struct learning_points *points, size_t most);

#endif
