/* The best value so far over the trials of a study, in a few numbers: for a line of the size of a
 * word. It is kept up to date with the trials that have ended since the last time.
 *
 * Plain memory; not shared between threads. */
#ifndef SERVER_ANALYSIS_SPARK_H
#define SERVER_ANALYSIS_SPARK_H

#include "server/analysis/trace.h"

#define SPARK_KEPT 256  /* improvements: of more, every second one is forgotten */
#define SPARK_POINTS 32 /* shown */

struct spark {
    int64_t n_ended; /* trials added that had a value */
    size_t n;
    struct {
        int64_t n_ended; /* including the trial that improved */
        double value;
    } kept[SPARK_KEPT];
};
/* Adds the trials that have ended since, in any order; the trace is empty afterwards. */
void spark_extend(struct spark *spark, struct trace *ended);
/* points ← the best values so far after equal numbers of trials, the last one after all. Returns
 * how many: SPARK_POINTS at most, no more than trials, and none for the time before the first trial
 * that is feasible. */
size_t spark_points(const struct spark *spark, double points[SPARK_POINTS]);

#endif
