#include "server/state/trial_reply.h"

#include <stdlib.h>
#include <string.h>

#include "server/state/state.h"

int trial_report(const struct live_trial *trial, struct trial_reply *reply, struct err *err)
{
    const struct trial_row *row = &trial->row;
    size_t bytes = row->n_params * sizeof(double);

    reply->row = *row;
    reply->row.explain = NULL;
    reply->row.basis = NULL;
    reply->row.metrics = row->metrics == NULL ? NULL : strdup(row->metrics);
    reply->row.config = malloc(bytes + 1);
    if (reply->row.config == NULL || (row->metrics != NULL && reply->row.metrics == NULL)) {
        trial_row_finish(&reply->row);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(reply->row.config, row->config, bytes);
    reply->parameters = trial->parameters == NULL ? NULL : strdup(trial->parameters);
    reply->def = shared_def_hold(trial->study->shared);
    return 0;
}

void trial_reply_finish(struct trial_reply *reply)
{
    shared_def_destroy(reply->def);
    trial_row_finish(&reply->row);
    free(reply->parameters);
    *reply = (struct trial_reply){0};
}
