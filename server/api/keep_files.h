/* Which files beside the database are kept: those that a live study or attempt still needs, within
 * the limits of the settings. Every walk over the folders is a job on a reader thread. */
#ifndef SERVER_API_KEEP_FILES_H
#define SERVER_API_KEEP_FILES_H

#include "server/api/api.h"

/* After the start of the engine, before any request: removes the logs of a state of the database
 * that was given up (logs_begin_epoch()), and waits for it. ERR_IO: their folder cannot be read. */
MUST_USE int keep_files_begin_epoch(struct api *api, struct err *err);
/* Then, and when a study was deleted: removes what no study needs any more, and counts the rest. */
void keep_files_start(struct api *api);
/* Something has happened, up to api->last_seq: removes what the trials that ended or changed hands
 * need no longer. Writer thread. */
void keep_files_after_events(struct api *api);
/* Removes logs if more is kept than may be. Any thread. */
void keep_files_if_due(struct api *api);

#endif
