/* The acquisition function of the Gaussian-process strategy: a sum of logarithms.
 *
 * Each term is the logarithm of an expectation or of a probability under some model: of the
 * expected improvement (expected_improvement.h), of the probability of feasibility (feasibility.h).
 * A term owns its scratch and borrows its models. One thread at a time. */
#ifndef SERVER_MODEL_ACQUISITION_H
#define SERVER_MODEL_ACQUISITION_H

#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "server/model/kernel.h"

struct acquisition_term {
    /* value[j] += the term at the points of q, at most as many as the term was made for; gradient
     * (n_num × n) += its gradient, unless NULL. A term without a gradient (a penalty that only
     * guides the choice of starts) adds nothing to either where a gradient is asked for. */
    void (*add)(struct acquisition_term *term, const struct points *q, double value[],
                double gradient[]);
    void (*destroy)(struct acquisition_term *term);
};

enum { ACQUISITION_TERMS_MAX = 16 };

struct acquisition {
    size_t cap; /* points of one call to the terms */
    size_t n_terms;
    struct acquisition_term *terms[ACQUISITION_TERMS_MAX]; /* owned */
};

/* Destroys the terms. Accepts a zeroed one. */
void acquisition_finish(struct acquisition *acquisition);
OWN_VALUE(acquisition)

/* Takes over a term, which was made for at least acquisition->cap points. */
void acquisition_add(struct acquisition *acquisition, struct acquisition_term *term);

/* value (n) ← the sum of the terms at all n points of q; gradient (n_num × n) likewise unless NULL.
 */
void acquisition_score(const struct acquisition *acquisition, const struct points *q,
                       double value[], double gradient[]);

#endif
