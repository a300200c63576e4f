/* A histogram of durations, as Prometheus reads it: how many took at most so long, and how long all
 * of them took together.
 *
 * The buckets are the same for every histogram, from half a millisecond to a minute. Any thread may
 * add and read; a reader may see a duration in its bucket a moment before it is in the sum. */
#ifndef COMMON_HISTOGRAM_H
#define COMMON_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 14

struct histogram {
    atomic_ullong counts[HISTOGRAM_BUCKETS + 1]; /* the last: longer than every bound */
    atomic_ullong sum_us;
};

/* The upper bound of a bucket in seconds, itself included. */
double histogram_bound(int bucket);
/* Adds one duration; a negative one counts as 0. */
void histogram_add(struct histogram *histogram, int64_t us);

#endif
