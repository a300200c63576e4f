/* --goal: what is wanted at least of one of several objectives, "loss <= 0.1". */
#ifndef WORKER_CLI_DEFINE_GOALS_H
#define WORKER_CLI_DEFINE_GOALS_H

#include <jansson.h>

#include "common/err.h"

/* Puts each goal, a text as of --subject-to, into the objective of its metric in the body of a
 * study. ERR_INVALID: it is no bound, the metric is no objective, has a goal already, or its better
 * values lie on the other side; the text says what to write instead. */
MUST_USE int goals_put(const json_t *goals, json_t *body, struct err *err);

#endif
