/* Small pictures within a line of text: a bar, a sparkline. Pure. */
#ifndef WORKER_CLI_SHOW_PLOT_H
#define WORKER_CLI_SHOW_PLOT_H

#include <stddef.h>

#include "common/buf.h"

/* Appends a bar of `columns` columns of which `done` of `whole` is full: at least one
 * column where anything is done, and not all of them before everything is. */
void plot_bar(double done, double whole, size_t columns, struct buf *out);
/* Where `value` lies between two finite numbers, from 0 to 1; in the middle where they are one. */
double plot_part(double value, double low, double high);
/* Appends one column for each value, between the least (▁) and the largest (█) of them; a value
 * that is not finite is a space. All alike are drawn in the middle. */
void plot_spark(const double values[], size_t n, struct buf *out);

#endif
