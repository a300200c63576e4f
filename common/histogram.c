#include "common/histogram.h"

static const int32_t bounds_us[HISTOGRAM_BUCKETS] = {
    500,    1000,   2500,   5000,    10000,   25000,    50000,
    100000, 250000, 500000, 1000000, 2500000, 10000000, 60000000,
};

double histogram_bound(int bucket)
{
    return (double)bounds_us[bucket] / 1e6;
}

void histogram_add(struct histogram *histogram, int64_t us)
{
    uint64_t taken_us = us > 0 ? (uint64_t)us : 0;
    int bucket = 0;

    while (bucket < HISTOGRAM_BUCKETS && taken_us > (uint64_t)bounds_us[bucket]) {
        bucket++;
    }
    atomic_fetch_add_explicit(&histogram->counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_us, taken_us, memory_order_relaxed);
}
