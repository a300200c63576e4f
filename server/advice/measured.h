/* What was measured of each technique: the one table that advice rests on.
 *
 * Regret is the mean normalised one: 0 is the best value known of a problem, 1 the median random
 * configuration. All on the development problems, 2 to 5 seeds each (choices.md beside the
 * benchmarks names them, the machine and the errors: .01 to .03, on learning curves up to .10):
 *
 *   numbers, mixed, noisy   19 problems trained in full: only numbers (7); with categories or
 *                           conditions (8); where the same configuration gives another value each
 *                           time (4)
 *   curves                  learning curves of 3 networks, 52 epochs, 7 parameters: the budget
 *                           counts full trainings, which early stopping spends on more trials
 *
 * Between the budgets (20, 50, 100 evaluations) and between 1 and 16 workers it is interpolated in
 * logarithms; outside them the nearest figure stands, and the answer says so. A figure that was not
 * measured is that of the nearest relative, and is told apart. */
#ifndef SERVER_ADVICE_MEASURED_H
#define SERVER_ADVICE_MEASURED_H

#include <stdbool.h>
#include <stddef.h>

/* In the order that decides between equals. */
enum technique {
    TECHNIQUE_PREDICTIVE,    /* asha, mode predictive */
    TECHNIQUE_BAYESIAN,      /* every trial trained in full, as all without a schedule */
    TECHNIQUE_ASHA_BAYESIAN, /* asha by promotion, with the Gaussian process */
    TECHNIQUE_BOHB,
    TECHNIQUE_TPE,
    TECHNIQUE_ASHA_STOPPING,
    TECHNIQUE_ASHA_PROMOTION,
    TECHNIQUE_HYPERBAND,
    TECHNIQUE_HALVING,
    TECHNIQUE_QUASIRANDOM,
    TECHNIQUE_RANDOM,
    TECHNIQUE_GRID,
    TECHNIQUE_COUNT
};

enum problem_kind { KIND_NUMBERS, KIND_MIXED, KIND_NOISY, KIND_CURVES, KIND_COUNT };

/* ---- thresholds ------------------------------------------------------------------------------ */

/* Full evaluations a study is thought to get where nothing says how many: the budget that most was
 * measured at. */
#define ADVICE_BUDGET 100
#define MEASURED_LEAST 20
#define MEASURED_MOST 100
#define MEASURED_WORKERS 16
#define MEASURED_PARAMETERS 38 /* d-super: the most that a problem had */
/* Trials from which a Gaussian process gives way to densities: far beyond what was measured, its
 * model holds a part of the history only, and a suggestion costs 40 times tpe's. */
#define ADVICE_MANY_TRIALS 5000
/* Finite spaces up to this size are scored whole by `bayesian`, which then repeats nothing. */
#define ADVICE_SCORED_WHOLE 4096
/* Full trainings' worth that a trial of the predictive gate costs on the mean: 100 bought 276 and
 * 299 trials with 16 workers and one, 50 bought 108 and 77. */
#define ADVICE_PREDICTIVE_SHARE 0.4
/* Share of the time that workers train and do not wait (simulation of 64 workers, R 81, eta 3). */
#define ADVICE_BUSY_HYPERBAND 0.85
#define ADVICE_BUSY_ASHA 0.95
/* Exact serving costs nothing worth mention while all workers together wait less than this share of
 * their time for suggestions. */
#define ADVICE_WAIT_SHARE 0.01
/* Points enumerated to count a grid under constraints: what `auto` may spend on a strategy that it
 * hardly ever takes. */
#define ADVICE_GRID_CONSTRAINED 20000
/* What a demand on the training program weighs, in regret, by experience: 1 for reporting while it
 * trains, 2 for pausing and going on as well. A judgement, not a measurement: to newcomers what the
 * measurements can hardly tell apart, to others next to nothing. */
#define ADVICE_DEMAND_NEW 0.02
#define ADVICE_DEMAND_SOME 0.002
#define ADVICE_DEMAND_EXPERT 0.0

/* ---- figures --------------------------------------------------------------------------------- */

/* Expected regret with `evaluations` full evaluations' worth and so many workers. *is_measured: by
 * measurements of this technique on this kind (may be NULL). */
double measured_regret(enum technique technique, enum problem_kind kind, double workers,
                       double evaluations, bool *is_measured);

/* Seconds of one server core that the n-th suggestion takes, 10 parameters (tests/bench/latency.py:
 * p99 14, 72, 147 ms at 100, 500, 1,000 results, flat beyond; tpe 1 and 4 ms at 1,000 and 5,000),
 * and the first n together. Never falls with n. */
double measured_think_seconds(enum technique technique, double n);
double measured_think_total(enum technique technique, double n);

#endif
