/* A trial as it stands when a command is done: a copy that outlives the live trial. */
#ifndef SERVER_STATE_TRIAL_REPLY_H
#define SERVER_STATE_TRIAL_REPLY_H

#include "server/domain/shared_def.h"
#include "server/store/store.h"

struct live_trial;

struct trial_reply {
    struct shared_def *def; /* held */
    struct trial_row row;   /* owns config and metrics */
    char *parameters;       /* JSON, or NULL: to be made from the row; owned */
};

/* Fills the reply from a live trial. ERR_NOMEM. */
MUST_USE int trial_report(const struct live_trial *trial, struct trial_reply *reply,
                          struct err *err);
void trial_reply_finish(struct trial_reply *reply);

#endif
