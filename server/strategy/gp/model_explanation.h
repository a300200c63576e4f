/* What is told of a suggestion that the surrogate chose. */
#ifndef SERVER_STRATEGY_GP_MODEL_EXPLANATION_H
#define SERVER_STRATEGY_GP_MODEL_EXPLANATION_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "server/strategy/explanation.h"
#include "server/strategy/gp/surrogate.h"
#include "server/strategy/study_data.h"

/* Borrowed. */
struct model_choice {
    const struct study_data *data;
    const struct surrogate *surrogate;
    const struct candidates *candidates; /* scored */
    const struct choice *choice;
    size_t n_uniform; /* the first candidates, which are uniform draws */
};

/* A JSON object; NULL: out of memory. */
char *model_explanation(const struct model_choice *choice);

/* For strategy->describe(): "a Gaussian process on 40 results and 3 running trials expected 0.91 ±
 * 0.02; …" */
const char *model_describe(const json_t *explain, uint64_t ordinal, struct buf *text);

#endif
