/* The files of one trial under the work directory: its logs, the parameters and the control file
 * its job reads, and its checkpoints.
 *
 *   WORKDIR/<server>/<study>/<trial>/  attempt-1.log params.json control.json checkpoint/
 *
 * The server's part keeps two servers' studies of one name apart. */
#ifndef WORKER_AGENT_FOLDER_H
#define WORKER_AGENT_FOLDER_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/own.h"
#include "common/wire/wire.h"

struct folder {
    char *log, *params, *control, *checkpoint; /* absolute paths; owned */
};
void folder_finish(struct folder *folder);
OWN_VALUE(folder)

/* Makes what is missing, 0700. `workdir` is absolute. */
MUST_USE int folder_make(const char *path, struct err *err);
/* The checkpoint folder is the granted one when that lies under workdir, else the trial's own. */
MUST_USE int folder_open(struct folder *folder, const char *workdir, const char *url,
                         const struct lease_grant *grant, struct err *err);
/* True also when the folder does not exist. */
bool folder_is_empty(const char *path);
/* Removes what is in the folder, following no link. */
MUST_USE int folder_clear(const char *path, struct err *err);
/* Removes what a trial that went well needs no longer: everything but a checkpoint and a log that
 * is not empty. */
void folder_tidy(const struct folder *folder);
/* Removes a checkpoint the server needs no longer, if it lies under `workdir`. */
void folder_discard(const char *workdir, const char *uri);
/* Replaces the file as a whole: a reader finds the old text or the new one. */
MUST_USE int folder_write(const char *path, const char *text, size_t len, struct err *err);

#endif
