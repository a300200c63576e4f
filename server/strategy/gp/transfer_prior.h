/* The transfer prior: what older studies (source studies) predict about this one, as the prior mean
 * of this study's Gaussian process.
 *
 * Each source has a Gaussian process of its own over the parameters that both studies know, fitted
 * once to its own results. The weighted mean of the sources that help (rank_weights.h), scaled to
 * this study's results by a shrunken regression and by the weight of the ensemble, becomes the
 * prior mean (model/prior_mean.h). Unlike in a mixture of predictions, this study's own results
 * correct the sources wherever there are some. Where no source helps, the model is the same as
 * without sources. */
#ifndef SERVER_STRATEGY_GP_TRANSFER_PRIOR_H
#define SERVER_STRATEGY_GP_TRANSFER_PRIOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"
#include "common/own.h"
#include "server/model/prior_mean.h"
#include "server/strategy/gp/rank_weights.h"
#include "server/strategy/study_data.h"

struct source_model {
    const struct source *source; /* borrowed */
    size_t *num, *cat; /* its dimensions among those of the encoding; one allocation: num's */
    struct points points;
    double *y, *theta;
    struct gp *gp; /* NULL: too few results, or they cannot be modelled */
};

struct transfer_prior {
    size_t n;
    struct source_model models[SOURCES_MAX];
    bool is_new_fit;               /* the fits were made by this call and should be stored */
    bool is_weighted;              /* weights are set */
    struct rank_weights weights;   /* all 0 before */
    struct prior_mean *prior_mean; /* NULL: no source is used */
    const atomic_bool *stop;       /* that of the history */
};

/* Takes the fits of the source models from the history, or makes them. ERR_NOMEM. */
MUST_USE int transfer_prior_init(struct transfer_prior *prior, const struct study_data *data,
                                 struct err *err);
void transfer_prior_finish(struct transfer_prior *prior);
OWN_VALUE(transfer_prior)

/* Computes the weights and the prior mean from the results of this study (points and transformed
 * costs y). Deterministic in them and `seed`. ERR_NOMEM. */
MUST_USE int transfer_prior_weight(struct transfer_prior *prior, const struct points *points,
                                   const double y[], uint64_t seed, struct err *err);

/* The fits in the form that is stored (free() it); NULL: out of memory. */
void *transfer_prior_fit_bytes(const struct transfer_prior *prior, size_t *bytes);
/* Members "after", "own_rank_loss", "trust" (the ensemble's weight) and "slope" of an explanation.
 */
void transfer_prior_write(const struct transfer_prior *prior, struct json_writer *w);

#endif
