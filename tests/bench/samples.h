/* Durations that a load generator has measured, and their quantiles. One thread. */
#ifndef TESTS_BENCH_SAMPLES_H
#define TESTS_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed: none yet. */
struct samples {
    size_t n, cap;
    uint32_t *us;
};

/* A duration in nanoseconds; a negative one counts as 0. Ends the program without memory. */
void samples_add(struct samples *samples, int64_t ns);
/* Adds all of `some`, which stay. */
void samples_append(struct samples *all, const struct samples *some);
/* Prints `, "name": {"n": …, "p50_ms": …, "p99_ms": …, "max_ms": …}`; sorts the samples. */
void samples_print(const char *name, struct samples *samples);
void samples_finish(struct samples *samples);

#endif
