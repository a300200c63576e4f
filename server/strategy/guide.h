/* What older studies say about this one, and how far they are followed.
 *
 * Each source has a Gaussian process of its own on the parameters that both know, fitted once to
 * its own results. It is judged by order alone, since values of another study need not compare:
 * what share of the pairs of this study's results does it put the wrong way round? This study's own
 * model is judged likewise, by its leave-one-out predictions. A source that errs more than that
 * model does in 19 of 20 bootstrap samples of the results, or hardly less than chance, is left out;
 * the others get as weight the share of samples in which they err least of all. So an older study
 * counts while it helps, and is ignored where it never fitted and once this one knows better
 * itself. After Feurer, Letham and Bakshy (2018), "Scalable meta-learning for Bayesian
 * optimization", §3.
 *
 * The weighted mean of the sources, scaled to this study's results by a shrunken regression, is the
 * mean function of its own process (model/trend.h): unlike in a mixture of predictions, which is
 * what the paper makes, the study's results overrule the sources wherever there are some. */
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
    double loss;   /* share of pairs put the wrong way round; NaN before it was judged */
    double weight;
};

struct guide {
    size_t n;
    struct elder elders[SOURCES_MAX];
    bool fitted;         /* by this call: worth storing */
    bool is_followed;    /* any of them */
    double own_loss;     /* of this study's own model; NaN before it was judged */
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
/* Members "after", "own_rank_loss" and "slope" of an explanation. */
void guide_write(const struct guide *guide, struct json_writer *w);

#endif
