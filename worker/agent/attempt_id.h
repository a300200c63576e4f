/* The name of one start of a job, which its environment carries as HONE_ATTEMPT_ID: by it, what a
 * killed worker has left is found. Nobody can guess it, but it opens nothing. */
#ifndef WORKER_AGENT_ATTEMPT_ID_H
#define WORKER_AGENT_ATTEMPT_ID_H

#include <stdbool.h>

#define ATTEMPT_ID_BYTES 48
#define ATTEMPT_ID_VARIABLE "HONE_ATTEMPT_ID"

/* A fresh one: a digest of the lease's id, so that one is told from another in a list, then 128
 * random bits. */
void attempt_id_make(const char *lease, char id[ATTEMPT_ID_BYTES]);
/* Has the text the form of one? */
bool attempt_id_is_valid(const char *id);

#endif
