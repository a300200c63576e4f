/* What a command leaves with, the same for every verb. Scripts rely on these numbers. */
#ifndef WORKER_CLI_STATUS_H
#define WORKER_CLI_STATUS_H

#include "common/err.h"

enum exit_status {
    EXIT_STATUS_OK = 0,
    EXIT_STATUS_FAILED = 1,
    EXIT_STATUS_USAGE = 2,       /* the command line or a file given with it is wrong */
    EXIT_STATUS_NOT_FOUND = 3,   /* no such study, trial, token */
    EXIT_STATUS_CONFLICT = 4,    /* it exists with another definition, or is in another state */
    EXIT_STATUS_UNREACHABLE = 5, /* no server answered, or it cannot serve now */
    EXIT_STATUS_CONFIG = 64,     /* a worker's configuration file or variable is wrong (EX_USAGE) */
    EXIT_STATUS_LATER = 75,      /* another process has what is needed (EX_TEMPFAIL) */
    EXIT_STATUS_TIMEOUT = 124,   /* as timeout(1) */
    EXIT_STATUS_INTERRUPTED = 130 /* as a shell says it */
};

/* Prints "hone: text" on stderr, on one line. The text may have come from a server: what would
 * command a terminal is taken out. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Says the error, and returns the status that fits. */
int exit_with(const struct err *err);
/* The end of a verb: 0 for rc 0, else exit_with(). */
int exit_after(int rc, const struct err *err);

#endif
