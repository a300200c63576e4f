/* What older studies say about this one, and how far they are followed.
 *
 * Each source has a Gaussian process of its own on the parameters that both know, fitted once to
 * its own results. Those that help (judge.h) are followed: their weighted mean, scaled to this
 * study's results by a shrunken regression and by their trust, is the mean function of this study's
 * own process (model/prior_mean.h). Unlike in a mixture of predictions, the study's results
 * overrule the sources wherever there are some. Where none helps all is as without them. */
#ifndef SERVER_STRATEGY_GP_TRANSFER_PRIOR_H
#define SERVER_STRATEGY_GP_TRANSFER_PRIOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"
#include "common/own.h"
#include "server/domain/history.h"
#include "server/model/prior_mean.h"
#include "server/strategy/encoding.h"
#include "server/strategy/gp/rank_weights.h"

/* One source. */
struct elder {
    const struct source *source; /* borrowed */
    size_t *num, *cat;           /* its coordinates among the axes'; one allocation: num's */
    struct points points;
    double *y, *theta;
    struct gp *gp; /* NULL: too few results, or none that can be modelled */
};

struct guide {
    size_t n;
    struct elder elders[SOURCES_MAX];
    bool fitted; /* by this call: worth storing */
    bool judged;
    struct verdict verdict;        /* of each elder; no weight before it was judged */
    struct prior_mean *prior_mean; /* NULL: nothing is followed */
};

/* Reads the sources' fits from the history or makes them. */
MUST_USE int guide_init(struct guide *guide, const struct study_def *study, const struct axes *axes,
                        const struct history *seen, struct err *err);
void guide_finish(struct guide *guide);
OWN_VALUE(guide)

/* Sets the weights from n results of this study (points and transformed costs), and the prior_mean.
 * Deterministic in them and `seed`. */
MUST_USE int guide_weigh(struct guide *guide, const struct points *points, const double y[],
                         uint64_t seed, struct err *err);

/* The fits as bytes to store (free() them); NULL without memory. */
void *guide_fit_bytes(const struct guide *guide, size_t *bytes);
/* Members "after", "own_rank_loss", "trust" and "slope" of an explanation. */
void guide_write(const struct guide *guide, struct json_writer *w);

#endif
