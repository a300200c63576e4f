/* Which processes may write into the folder of an attempt: a file in it names them, so that another
 * worker, which may run on another host, can tell whether they are gone. */
#ifndef WORKER_AGENT_OWNER_H
#define WORKER_AGENT_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/buf.h"
#include "common/err.h"

/* When the process was started, in the kernel's ticks; 0: there is no such process. */
unsigned long long owner_started(long pid);
/* Describes this process, and `other` unless it is 0, as the file does. */
void owner_describe(const char *host, pid_t other, struct buf *text);
/* Names this process, and `other` unless it is 0. ERR_IO. */
MUST_USE int owner_write(const char *path, const char *host, pid_t other, struct err *err);
/* True when all that the file names ran on this host and have ended. False when they run, and
 * whenever that cannot be known: without a file, from another host or another container. */
bool owner_is_gone(const char *path, const char *host);

#endif
