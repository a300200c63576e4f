/* Which values of an objective count: the last one and the best ones, however often steps are
 * reported again. Pure. */
#ifndef WORKER_AGENT_PROGRESS_H
#define WORKER_AGENT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_BEST_KEPT 16

struct reported_value {
    int64_t step;
    double value;
};

/* How far the values of an objective have come: those reported, or those delivered. A step that is
 * the best may be corrected, so that the next ones are kept too. */
struct objective_progress {
    int64_t step; /* of the last value; -1: there is none */
    double last;
    size_t n_best;
    struct reported_value best[PROGRESS_BEST_KEPT]; /* of different steps, the best first; no NaN */
    bool is_cut;                                    /* there are more, none of them better than: */
    double cut;
};

bool progress_is_better(bool maximize, double value, double than);
/* A later value for the same step replaces the earlier one. */
void progress_note(struct objective_progress *progress, bool maximize, int64_t step, double value);

#endif
