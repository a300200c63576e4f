/* Imported trials, on their way to the server. */
#ifndef WORKER_CLI_IMPORT_UPLOAD_H
#define WORKER_CLI_IMPORT_UPLOAD_H

#include <jansson.h>

#include "common/err.h"
#include "worker/cli/session.h"

/* POST …/trials, in batches that are taken or refused as a whole. Trials that the study has from an
 * earlier import of the same file are not sent again: so many as it has imported ones are left out
 * at the front, if the last of them is the same. */
MUST_USE int upload_trials(struct session *session, const char *study, const json_t *trials,
                           struct err *err);
/* Says how many would be sent. */
void upload_preview(const json_t *trials);

/* In `metrics` and `measurements` of each. */
void upload_rename_metric(json_t *trials, const char *from, const char *to);

#endif
