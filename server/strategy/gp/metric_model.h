/* The model of one metric of a study: a Gaussian process of its transformed costs.
 *
 * Its rows are those of regression_data.h, or of many the selected ones. Running trials enter as
 * fantasies. The model of the first objective may have a transfer prior; then it predicts the costs
 * less that prior mean. */
#ifndef SERVER_STRATEGY_GP_METRIC_MODEL_H
#define SERVER_STRATEGY_GP_METRIC_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "common/rng.h"
#include "server/model/gp.h"
#include "server/model/prior_mean.h"
#include "server/strategy/gp/regression_data.h"
#include "server/strategy/gp/theta_fit.h"
#include "server/strategy/study_data.h"

enum { FANTASIES = 8 };

/* All rows of a metric, and the prior of the hyper-parameters. */
struct metric_data {
    struct regression_data rows;
    struct points points; /* of the rows */
    struct fit_prior prior;
    double limit; /* of a bounded metric: what the search aims at (regression_data.h) */
};

/* Of the study's objectives and then its bounded metrics, the one of this index. ERR_NOMEM. */
MUST_USE int metric_data_init(struct metric_data *metric, const struct study_data *data,
                              size_t index, struct err *err);
void metric_data_finish(struct metric_data *metric);
/* rows.prior_mean ← the prior mean at each row. ERR_NOMEM. */
MUST_USE int metric_data_set_prior_mean(struct metric_data *metric, struct prior_mean *prior_mean,
                                        struct err *err);

struct metric_model {
    size_t index; /* among the study's objectives and then its bounded metrics */
    struct transform transform;
    struct points points;  /* n results, then pending trials */
    size_t n;              /* results */
    const double **config; /* of the results; borrowed from the history */
    double *y, *extra;     /* of the results: transformed less the prior mean; noise variances */
    size_t *row;           /* of the results: which row of metric_data it is */
    double *merit;         /* of the results: as given to metric_model_take() */
    double *offset;        /* of all points: the prior mean; the model predicts y − offset */
    double *theta;         /* hyper-parameters (model/gp.h); borrowed from the surrogate */
    struct gp *gp;         /* NULL: too little is known of a bounded metric */
    struct prior_mean *prior_mean; /* borrowed, or NULL */
    double best;                   /* the incumbent, transformed; INFINITY: nothing is feasible */
    double limit;                  /* as in metric_data */
    /* the subject's own extrapolated curve, transformed, and its variance; NaN without one */
    double own_y, own_var;
};

void metric_model_finish(struct metric_model *model);

/* theta ← the MAP fit to the rows, of many to a part, by their merit. Errors as with theta_fit().
 */
MUST_USE int metric_model_fit_theta(const struct metric_data *metric, const double merit[],
                                    const struct theta_search *search, double theta[],
                                    struct err *err);
/* Takes the rows of the model and, if `with_pending`, the newest pending trials after them.
 * `merit` (of all rows, smaller is better): of many rows the best are taken. `subject` (or NULL): a
 * configuration whose row must be among the results. ERR_NOMEM. */
MUST_USE int metric_model_take(struct metric_model *model, const struct metric_data *metric,
                               const struct study_data *data, const double merit[],
                               const double *subject, bool with_pending, struct err *err);
/* Computes the posterior; pending trials of a bounded metric count with their mean, else they are
 * drawn from rng. */
MUST_USE int metric_model_condition(struct metric_model *model, struct rng *rng, struct err *err);
/* Finds the incumbent among the results whose rows `feasible` (or NULL: all) says. With noise the
 * best observed value is biased, so that the best posterior mean is used instead; with curves, the
 * best one that reached the full resource. */
void metric_model_find_best(struct metric_model *model, const struct metric_data *metric,
                            const bool feasible[]);

/* Do evaluations of one configuration differ? Then the best observed value is biased. */
bool metric_model_is_noisy(const struct metric_model *model);
/* The posterior mean at the i-th result, the prior mean included. */
double metric_model_mean_at(const struct metric_model *model, size_t i);
/* The factor from transformed costs to the metric's values. */
double metric_model_scale(const struct metric_model *model);
/* The metric's value of a transformed cost. */
double metric_model_value(const struct metric_model *model, const struct study_def *study,
                          double transformed);

/* The posterior at one point, transformed: the mean over the fantasies, and the variance of f. */
struct metric_prediction {
    double mean, var;
};
/* ERR_NOMEM. */
MUST_USE int metric_model_predict(const struct metric_model *model, const struct points *point,
                                  struct metric_prediction *prediction, struct err *err);

#endif
