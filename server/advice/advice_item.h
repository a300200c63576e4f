/* One technique in a ranking, with its figures and reasons. */
#ifndef SERVER_ADVICE_ADVICE_ITEM_H
#define SERVER_ADVICE_ADVICE_ITEM_H

#include <jansson.h>
#include <stdbool.h>

#include "server/advice/benchmark.h"
#include "server/advice/cost.h"
#include "server/advice/technique.h"

struct advice_item {
    const struct technique *technique;
    json_t *options; /* of the strategy; object */
    bool is_asked;   /* it is what the body names */
    bool is_usable;
    json_t *refused; /* why not, as POST /v1/studies would say; sentences */
    struct cost cost;
    bool tries_all;       /* every configuration of the space within the budget */
    bool has_regret;      /* false with several objectives, for which nothing was measured */
    struct figure regret; /* expected */
    bool is_measured;
    double score;      /* smaller is better */
    json_t *pro, *con; /* sentences */
    json_t *brackets;  /* technique_brackets(), or NULL */
    bool takes_median; /* a median stopping rule can be added */
    bool is_exact;     /* exact serving costs almost nothing here */
    json_t *study;     /* a body for POST /v1/studies (study_body.h), or NULL */
};

#endif
