/* One axis of a picture: from values to places, and its ticks. Plain values; nothing allocates. */
#ifndef SERVER_REPORT_AXIS_H
#define SERVER_REPORT_AXIS_H

#include <stdbool.h>
#include <stddef.h>

struct axis {
    bool is_log; /* then low > 0 */
    double low, high;
    double from, to; /* the places of low and high */
};

/* An axis over these values, both finite; equal ones are moved apart. is_log holds only where
 * low > 0. */
void axis_init(struct axis *axis, double low, double high, bool is_log);
/* The place of a value; of one outside the axis, and of an infinite one, its nearer end. NaN: NaN.
 */
double axis_place(const struct axis *axis, double value);
/* Is it on the axis? */
bool axis_holds(const struct axis *axis, double value);
/* Round values along the axis, at most AXIS_TICKS; returns how many, about `wanted`. */
#define AXIS_TICKS 12
size_t axis_ticks(const struct axis *axis, size_t wanted, double ticks[AXIS_TICKS]);
/* The same, but whole numbers only. */
size_t axis_whole_ticks(const struct axis *axis, size_t wanted, double ticks[AXIS_TICKS]);

/* The values that a picture of them should show, and a little more: all, unless a few are far from
 * the others on the worse side; those are left out. `values` is sorted here. */
struct axis_range {
    double low, high;
    bool is_log; /* positive, over more than two decades */
    size_t n_outside;
};
/* lower_is_better: which values matter. Without a finite value 0 to 1. */
void axis_range_of(size_t n, double values[], bool lower_is_better, struct axis_range *range);

#endif
