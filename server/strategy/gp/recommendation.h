/* Which completed trial of a study to use, where one evaluation is noisy.
 *
 * The best observed value of many noisy ones is a lucky one. The recommended trial is the one with
 * the best posterior mean under a Gaussian process of all completed trials: the surrogate of
 * `bayesian`, with hyper-parameters fitted afresh, whatever strategy made the trials. It is the
 * mean of the latent function at the trial's configuration, without the noise of an evaluation. Of
 * a study with a resource these are the values at the full resource. Eligible are trials within the
 * space that satisfy the study's bounds on metrics. Of trials with the same configuration it is the
 * one with the best observed value, the earliest of equals. Where the model finds no noise it is
 * the best observed one.
 *
 * The order of the trials in time, running, stopped and failed ones, earlier fits and source
 * studies have no influence. */
#ifndef SERVER_STRATEGY_GP_RECOMMENDATION_H
#define SERVER_STRATEGY_GP_RECOMMENDATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "server/domain/history.h"
#include "server/domain/study.h"

enum { RECOMMENDATION_LEAST = 10 }; /* completed trials; with fewer the noise is not known */

/* In the units of the objective. */
struct recommended_trial {
    int64_t number;
    double observed;
    double expected;  /* the posterior mean of the latent function, */
    double deviation; /* and its standard deviation */
};

struct recommendation {
    bool known;       /* false: nothing below is set, but `fit` */
    size_t n_results; /* completed trials that the model was made of */
    double noise;     /* standard deviation of one evaluation, in units of the objective; 0: none
                         was found */
    struct recommended_trial trial, best; /* the recommended one; the best observed one */
    struct fit fit; /* the hyper-parameters, whose data is owned; NULL: none were fitted */
};
void recommendation_finish(struct recommendation *recommendation);
OWN_VALUE(recommendation)

/* `best`: the trial that stands as the best one; 0: the best observed of the eligible ones, the
 * earliest of equals. Not known: several objectives, a space without parameters, too few trials,
 * none eligible, `best` not among them, or results that cannot be modelled. `seen` may have the fit
 * of an earlier call with the same completed trials as `made`, which saves most of the time. Pure,
 * safe from any thread. Some 10 ms of processor time for 100 trials, up to 100 ms for 300 and more.
 * ERR_NOMEM; ERR_OVERLOADED: seen->stop was set. */
MUST_USE int strategy_recommend(const struct study_def *study, const struct history *seen,
                                int64_t best, struct recommendation *recommendation,
                                struct err *err);

/* Do the two differ by something that matters? The one rule for all that give advice: the
 * recommended trial is another one, and its expected value is better by more than half of a
 * standard deviation of that difference, which is that of two independent values. Where it is less,
 * the exchange gains nothing on average (tests/bench/choices.md). */
bool recommendation_matters(const struct recommendation *recommendation);

#endif
