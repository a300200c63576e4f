/* What is believed about a study from its trials: the models behind a suggestion.
 *
 * The objective is a Gaussian process on the results, running trials as fantasies; from three
 * failures on, a second one tells where trials fail. Their hyper-parameters are fitted when due (at
 * every result up to 30, then every ⌈n/20⌉) and otherwise taken from the study's newest fit: fits
 * are rows, so a suggestion can be made again from what it saw. A search that has found nothing
 * better for a while looks closer (rows.h) with every second result: from the same results, cut at
 * the median and fitted anew, it sees where the model it goes by took fine structure for noise. */
#ifndef SERVER_STRATEGY_GP_SURROGATE_H
#define SERVER_STRATEGY_GP_SURROGATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "common/rng.h"
#include "server/domain/history.h"
#include "server/model/gp.h"
#include "server/model/transform.h"
#include "server/strategy/encoding.h"
#include "server/strategy/evaluations.h"
#include "server/strategy/gp/regression_data.h"
#include "server/strategy/gp/transfer_prior.h"

enum { FANTASIES = 8 };

struct belief {
    struct transform transform;
    struct points points; /* of the objective's model: results, then pending */
    size_t n;             /* results in it */
    const double **done;  /* their configurations, borrowed */
    double *y, *extra;    /* transformed; what each is noisier than the rest */
    double *expected;     /* of y, by older studies: the model stands on y − expected */
    struct gp *gp;
    struct guide guide; /* of older studies: empty without any */
    struct points ok_points;
    struct gp *ok;         /* NULL while failures are few */
    double best;           /* the incumbent, transformed */
    struct points begun;   /* of points: curves that were begun and not finished */
    const double *subject; /* borrowed, or NULL */
    double own_y, own_var; /* its row: the curve carried to the end by itself; NaN without one */
    size_t n_theta;
    double *theta, *ok_theta; /* one allocation: theta's */
    uint64_t fit_n_seen;      /* finished trials that the hyper-parameters were fitted to */
    bool fitted;              /* by this call: worth storing */
    bool is_closer;           /* a closer look, with hyper-parameters of its own */
    double log_posterior;     /* of that fit */
};

/* Draws the fantasies from rng; NULL leaves running trials out of account. `subject`, or NULL: the
 * configuration of a trial (as the history holds it) whose own row must be among the results.
 * ERR_NUMERIC: the results cannot be modelled. */
MUST_USE int belief_init(struct belief *belief, const struct study_def *study,
                         const struct axes *axes, const struct trials *trials,
                         const struct history *seen, const double *subject, struct rng *rng,
                         struct err *err);
void belief_finish(struct belief *belief);
OWN_VALUE(belief)

/* The fit as bytes to store (free() them); NULL without memory. */
void *belief_fit_bytes(const struct belief *belief, size_t *bytes);
/* order[0 … k-1] ← the results with the best posterior means, best first; returns how many. */
size_t belief_best(const struct belief *belief, size_t k, size_t order[]);

#endif
