/* What older studies say about this one, and how much they may say.
 *
 * Each source has a Gaussian process of its own on the parameters that both know, fitted once to
 * its own results. How far to follow it is judged by order alone, since values of another study
 * need not compare: how many pairs of this study's results does it put the wrong way round? The
 * study's own model stands beside them with its leave-one-out predictions. Over bootstrap samples
 * of the results each source's weight is the share in which it errs least; one that errs more than
 * the study's own model, or hardly less than chance, is left out. So an older study counts while it
 * helps and is ignored once the study knows better itself, or where it never fitted. Feurer,
 * Letham and Bakshy (2018), "Scalable meta-learning for Bayesian optimization", §3.
 *
 * The weighted mean of the sources, scaled to this study's results by a shrunken regression, is the
 * mean function of the study's own process (model/trend.h). */
#ifndef SERVER_STRATEGY_GUIDE_H
#define SERVER_STRATEGY_GUIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"
#include "common/own.h"
#include "server/domain/history.h"
#include "server/domain/transfer.h"
#include "server/model/trend.h"
#include "server/strategy/axes.h"

/* One source. */
struct elder {
    const struct source *source; /* borrowed */
    size_t *num, *cat;           /* its coordinates among the axes'; one allocation: num's */
    struct points points;
    double *y, *theta;
    struct gp *gp; /* NULL: too few results, or none that can be modelled */
    double loss;   /* share of pairs put the wrong way round */
    double weight;
};

struct guide {
    size_t n;
    struct elder elders[SOURCES_MAX];
    bool fitted; /* by this call: worth storing */
    double own_loss, own_weight;
    double slope;        /* of this study's results on what the sources say */
    struct trend *trend; /* NULL: nothing is followed */
};

/* Reads the sources' fits from the history or makes them. */
MUST_USE int guide_init(struct guide *guide, const struct study_def *study, const struct axes *axes,
                        const struct history *seen, struct err *err);
void guide_finish(struct guide *guide);
OWN_VALUE(guide)

/* Sets the weights from n results of this study (points and transformed costs), and the trend.
 * Deterministic in them and `seed`. */
MUST_USE int guide_weigh(struct guide *guide, const struct points *points, const double y[],
                         uint64_t seed, struct err *err);

/* The fits as bytes to store (free() them); NULL without memory. */
void *guide_fit_bytes(const struct guide *guide, size_t *bytes);
/* Members "after" and "own_weight" of an explanation. */
void guide_write(const struct guide *guide, struct json_writer *w);

#endif
