#include "server/report/reasons.h"

#include <stdlib.h>
#include <string.h>

static size_t collect(const struct study_report *report, struct reason_count counts[REASONS_MAX],
                      int64_t *n_left)
{
    size_t n = 0;

    *n_left = 0;
    for (size_t i = 0; i < report->n_trials; i++) {
        const struct shown_trial *trial = &report->trials[i];
        size_t k = 0;
        if (trial->state != TRIAL_FAILED && trial->state != TRIAL_INFEASIBLE) {
            continue;
        }
        while (k < n
               && (counts[k].first->state != trial->state
                   || strcmp(counts[k].first->reason, trial->reason) != 0)) {
            k++;
        }
        if (k == REASONS_MAX) {
            (*n_left)++;
            continue;
        }
        if (k == n) {
            counts[n++] = (struct reason_count){.first = trial};
        }
        counts[k].last = trial;
        counts[k].n++;
    }
    return n;
}

static int by_count(const void *a, const void *b)
{
    const struct reason_count *left = a;
    const struct reason_count *right = b;

    return (left->n < right->n) - (left->n > right->n);
}

size_t reasons_count(const struct study_report *report, struct reason_count counts[REASONS_MAX],
                     int64_t *n_left)
{
    size_t n = collect(report, counts, n_left);

    if (n > 0) {
        qsort(counts, n, sizeof *counts, by_count);
    }
    return n;
}

const char *reason_text(const struct shown_trial *trial, const char *otherwise)
{
    return trial->reason[0] != '\0' ? trial->reason : otherwise;
}
