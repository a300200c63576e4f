/* The importances of a study's parameters, read from the store: for what shows them. */
#ifndef SERVER_API_WEIGH_H
#define SERVER_API_WEIGH_H

#include "server/analysis/comparable.h"
#include "server/analysis/importance.h"
#include "server/api/read.h"

struct weighed {
    const struct study_def *def;            /* borrowed */
    const struct comparable_metric *metric; /* borrowed */
    int64_t resource;                       /* in units; 0: none */
    struct importance importance;
    struct importance_share *shares; /* n_params; the first parameter of a name has those of all;
                                        owned */
    size_t n_names;
    size_t *order; /* of the names, the most important first: the first parameter of each; owned */
};
void weighed_finish(struct weighed *weighed);
OWN_VALUE(weighed)

/* *weighed, which must be zeroed, ← the importances for this metric. ERR_NOMEM, ERR_IO; then it is
 * the caller's to finish, too. */
MUST_USE int weigh_parameters(const struct read_request *read,
                              const struct comparable_metric *metric, struct weighed *weighed,
                              struct err *err);

#endif
