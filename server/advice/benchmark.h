/* The benchmark figures behind the advice: expected regret, and the time of a suggestion.
 *
 * Regret is the mean normalised regret: 0 is the best known value of a problem, 1 that of the
 * median random configuration. The table is figures.c, whose header says what it was measured on:
 *
 *   numbers, mixed, noisy   problems trained in full: numbers only; with categories or conditions;
 *                           with noisy values
 *   curves                  learning curves; the budget counts full trainings, which early stopping
 *                           spends on more trials
 *
 * Between the budgets (20, 50, 100 evaluations) and between 1 and 16 workers the figures are
 * interpolated in logarithms; outside them the nearest figure is used, and the answer says so. A
 * technique without a measurement has the figures of its nearest relative, and is marked; noisy
 * problems, where none were measured, those of mixed ones. */
#ifndef SERVER_ADVICE_BENCHMARK_H
#define SERVER_ADVICE_BENCHMARK_H

#include <stdbool.h>
#include <stddef.h>

#include "server/advice/technique.h"

/* ---- thresholds ------------------------------------------------------------------------------ */

/* Full evaluations of a study where nothing says how many: the middle one of the measured budgets.
 */
#define ADVICE_BUDGET 50
#define MEASURED_LEAST 20
#define MEASURED_MOST 100
#define MEASURED_WORKERS 16
#define MEASURED_PARAMETERS 38 /* of the largest problem */
/* Trials beyond which densities are preferred to a Gaussian process: far more than were measured;
 * its model then holds a part of the history only, and a suggestion costs 40 times that of tpe. */
#define ADVICE_MANY_TRIALS 5000
/* The same with several objectives, where a Gaussian process is asked for each, and fronts are
 * long: beyond, a genetic algorithm is preferred. */
#define ADVICE_MANY_TRIALS_SEVERAL 1000
/* Mean cost of a trial of asha, predictive, in full trainings: a budget of 100 was enough for 276
 * trials with 16 workers and 299 with one, 50 for 108 and 77. */
#define ADVICE_PREDICTIVE_SHARE 0.4
/* Share of the time in which workers train (simulation of 64 workers, R 81, eta 3). */
#define ADVICE_BUSY_HYPERBAND 0.85
#define ADVICE_BUSY_ASHA 0.95
/* Exact serving is recommended while all workers together wait for suggestions less than this share
 * of their time. */
#define ADVICE_WAIT_SHARE 0.01
/* With several objectives a technique whose suggestions are waited for a greater share of the time
 * comes after a genetic algorithm. */
#define ADVICE_WAIT_SEVERAL 0.5
/* Grid points that are enumerated to apply constraints: a bound on the cost of `auto`. */
#define ADVICE_GRID_CONSTRAINED 20000
/* The weight of one demand on the training program (technique_demands()), in regret, by the user's
 * experience. A judgement, not a measurement: for new users as much as the measurements can hardly
 * resolve, for others almost nothing. */
#define ADVICE_DEMAND_NEW 0.02
#define ADVICE_DEMAND_SOME 0.002
#define ADVICE_DEMAND_EXPERT 0.0

/* ---- figures --------------------------------------------------------------------------------- */

/* Whether there are figures of the technique's own for such problems. */
bool benchmark_has_figures(const struct technique *technique, enum problem_kind kind);
/* A mean normalised regret, and how sure it is. */
struct figure {
    double mean;
    double error; /* standard error over seeds; 0: not known */
};

/* Expected regret with a budget of `evaluations` full evaluations and this many workers. The error
 * is interpolated as the mean is: at most that of the mean, as if the two figures erred together.
 * *is_measured (may be NULL): measured for this technique and kind, not extrapolated. */
struct figure benchmark_regret(const struct technique *technique, enum problem_kind kind,
                               double workers, double evaluations, bool *is_measured);
/* The interval of 95 % of the mean over seeds: 1.96 errors to both sides, from 0 up. false: the
 * error is not known. Other problems than those measured differ by more. */
bool benchmark_interval(struct figure figure, double *low, double *high);

/* Seconds of one server core for the n-th suggestion with 10 parameters, and for the first n
 * together. Never falls with n. From tests/bench/latency.py: p99 14, 72, 147 ms at 100, 500, 1,000
 * results, constant beyond; tpe 1 and 4 ms at 1,000 and 5,000; nsga2 with three objectives 1, 6 and
 * 13 ms at 1,000, 5,000 and 10,000. */
double benchmark_suggestion_seconds(const struct technique *technique, double n);
double benchmark_suggestion_total(const struct technique *technique, double n);

#endif
