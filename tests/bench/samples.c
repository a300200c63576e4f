#include "tests/bench/samples.h"

#include <stdio.h>
#include <stdlib.h>

void samples_add(struct samples *samples, int64_t ns)
{
    if (samples->n == samples->cap) {
        samples->cap = samples->cap == 0 ? 4096 : samples->cap * 2;
        samples->us = realloc(samples->us, samples->cap * sizeof *samples->us);
        if (samples->us == NULL) {
            abort();
        }
    }
    samples->us[samples->n++] = ns <= 0 ? 0 : (uint32_t)(ns / 1000);
}

void samples_append(struct samples *all, const struct samples *some)
{
    for (size_t i = 0; i < some->n; i++) {
        samples_add(all, (int64_t)some->us[i] * 1000);
    }
}

static int us_compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

/* Of sorted samples. */
static double quantile_ms(const struct samples *samples, double q)
{
    size_t at = (size_t)(q * (double)samples->n);

    return samples->n == 0 ? 0
                           : (double)samples->us[at < samples->n ? at : samples->n - 1] / 1000.0;
}

void samples_print(const char *name, struct samples *samples)
{
    if (samples->n > 0) {
        qsort(samples->us, samples->n, sizeof *samples->us, us_compare);
    }
    (void)printf(", \"%s\": {\"n\": %zu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}",
                 name, samples->n, quantile_ms(samples, 0.5), quantile_ms(samples, 0.99),
                 quantile_ms(samples, 1));
}

void samples_finish(struct samples *samples)
{
    free(samples->us);
    *samples = (struct samples){0};
}
