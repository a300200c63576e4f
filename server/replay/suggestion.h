/* The suggestion of a trial, made again from what its strategy had seen. */
#ifndef SERVER_REPLAY_SUGGESTION_H
#define SERVER_REPLAY_SUGGESTION_H

#include <stdatomic.h>

#include "server/replay/record.h"

struct suggestion_again {
    const char *missing;         /* why it cannot be made again; NULL: it was made; static text */
    const struct study_def *def; /* as it was; borrowed from the record */
    double *config; /* n_params of def; owned; NULL: the strategy had none, for this reason: */
    struct err why;
};
void suggestion_again_finish(struct suggestion_again *again);
OWN_VALUE(suggestion_again)

/* Makes the suggestion of a trial again, whose source is a suggestion and which has events. Takes
 * as long as the first time. ERR_OVERLOADED: `stop` was set; ERR_NOMEM. */
MUST_USE int suggestion_make_again(const struct study_record *record,
                                   const struct record_trial *trial, const atomic_bool *stop,
                                   struct suggestion_again *again, struct err *err);
/* Whether the trial has that configuration, digit by digit. */
bool suggestion_is_same(const struct record_trial *trial, const struct suggestion_again *again);

#endif
