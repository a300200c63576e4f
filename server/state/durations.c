#include "server/state/durations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void durations_note(struct live_study *study, const struct attempt_row *attempt,
                    enum attempt_end end)
{
    bool went_on = end == ATTEMPT_COMPLETED || end == ATTEMPT_PAUSED || end == ATTEMPT_PRUNED;
    struct durations *durations = &study->durations;
    double seconds = (double)(attempt->ended_at_ms - attempt->leased_at_ms) / 1000;
    int64_t steps = study->def->has_resource ? attempt->step - attempt->from : 1;

    if (!went_on || steps <= 0 || seconds < 0) { /* the wall clock may have been set back */
        return;
    }
    durations->seconds[durations->next] = seconds / (double)steps;
    durations->next = (durations->next + 1) % DURATIONS_KEPT;
    durations->n += durations->n < DURATIONS_KEPT;
}

static int by_size(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

static double median(const struct durations *durations)
{
    double sorted[DURATIONS_KEPT];
    size_t n = durations->n;

    memcpy(sorted, durations->seconds, sizeof sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double durations_expected(const struct live_study *study, int64_t from, int64_t to)
{
    int64_t steps = study->def->has_resource ? to - from : 1;
    double most = study->def->limits.trial_seconds;

    if (study->durations.n == 0 || steps <= 0) {
        return (double)NAN;
    }
    double seconds = median(&study->durations) * (double)steps;
    return most > 0 && seconds > most ? most : seconds;
}
