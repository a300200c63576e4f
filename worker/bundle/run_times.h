/* How long the trials of a bundle take, by those that this worker has run to their end; the server,
 * which knows of all, is not here. Pure. */
#ifndef WORKER_BUNDLE_RUN_TIMES_H
#define WORKER_BUNDLE_RUN_TIMES_H

#include <stddef.h>

#define RUN_TIMES_KEPT 16

struct run_times {
    double seconds[RUN_TIMES_KEPT]; /* of a step of the resource, or of a whole trial */
    size_t n, next;
};

/* A trial of so many steps (1: without a resource; any unit, always the same) took so long. */
void run_times_note(struct run_times *run_times, double seconds, double steps);
/* The median of the last ones, for so many steps; NAN: nothing is known. */
double run_times_expected(const struct run_times *run_times, double steps);

#endif
