/* Stopping rules: they combine with any schedule and check every measurement, not only those at
 * rungs.
 *
 *   median     stops a trial at a step if its best value so far is worse than the median of the
 *              running averages, up to that step, of the completed trials that have a value there:
 *              at least `after` of them, and never at or before `warmup`
 *              (Golovin et al., Google Vizier, 2017)
 *              A step counts at the multiple of the study's `resource.step` that it is or that
 * comes next; of several within one the first: the seconds of a clock are never the same threshold
 * stops a trial worse than `value` at its first measurement at or past `step`
 *
 * All values are costs: smaller is better. */
#ifndef SERVER_SCHEDULE_STOPPING_H
#define SERVER_SCHEDULE_STOPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/study.h"

/* A live trial's running average. */
struct running_average {
    double sum, best;
    size_t n;                      /* finite values */
    int64_t last_step, last_place; /* -1: none; the place of the last mean */
    bool is_completed;             /* later averages are added to the pool at once */
    size_t n_points, cap;
    struct step_mean {
        int64_t place;
        double mean;
    } * points;
};

/* The averages of completed trials at one place, sorted. */
struct step_means {
    int64_t place; /* times the study's step */
    size_t n, cap;
    double *means;
};

struct stopping {
    enum stopping_rule rule;
    int64_t after, warmup; /* median */
    int64_t step;          /* threshold */
    double cost;
    int64_t span;  /* the study's step: trials are compared within one */
    size_t n, cap; /* median: places rising */
    struct step_means *steps;
};

/* Reads the study's rule with its options; adds every fault with its pointer. */
void stopping_read(const struct study_def *study, struct stopping *stopping, struct faults *faults);
void stopping_finish(struct stopping *stopping);

/* Adds a measurement to the trial's curve, made when *curve is NULL. */
MUST_USE int median_note(struct stopping *stopping, struct running_average **average, int64_t step,
                         double cost, struct err *err);
/* The trial has completed: adds its averages to the pool. ERR_NOMEM. */
MUST_USE int median_complete(struct stopping *stopping, struct running_average **average,
                             struct err *err);
/* Whether the rule stops the trial with this newest measurement (noted before); *median: the median
 * it was compared with. */
bool median_stops(const struct stopping *stopping, const struct running_average *average,
                  int64_t step, double cost, double *median);
void running_average_destroy(struct running_average *average);

#endif
