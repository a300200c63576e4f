/* Why a program could not be started, in words that say what to do. */
#ifndef WORKER_AGENT_SPAWN_FAILURE_H
#define WORKER_AGENT_SPAWN_FAILURE_H

#include <stddef.h>

/* `path` is the program, `why` the errno of its exec. Looks into the file. */
void spawn_failure_describe(const char *path, int why, char *text, size_t size);

#endif
