/* The private server of `hone run`: one per account, started by the first run that finds no
 * HONE_URL, joined by the next ones, gone when it has been idle for ten minutes. Every verb that
 * needs a server starts it again where it has left data.
 *
 * Its files are in $XDG_STATE_HOME/hone (~/.local/state/hone), or in /var/tmp/hone-UID when that is
 * a network file system, where neither locks nor SQLite's log can be trusted. In that directory:
 *
 *   start.lock   held while a process starts one or looks for one, so that none reads an old URL
 *   alive.lock   held by the server for as long as it runs: it inherits the open file, so that no
 *                crash leaves a stale claim, and a URL is trusted only while the lock is held
 *                (another account's program could listen on an old port and wait for our token)
 *   server.log   what it prints; contains the URL
 *   data/        its data directory, with admin.token and worker.token */
#ifndef WORKER_CLI_PRIVATE_H
#define WORKER_CLI_PRIVATE_H

#include <limits.h>
#include <stdbool.h>

#include "common/err.h"

/* Its name in files that outlive it: its port is another one at each start. */
#define PRIVATE_SERVER_NAME "private"

struct private_server {
    char url[256];
    char token_file[PATH_MAX];        /* for people */
    char worker_token_file[PATH_MAX]; /* for the agent: the scopes are apart */
    char log_file[PATH_MAX];
};

/* Fills *server when one runs and serves; ERR_NOT_FOUND when none does. Starts nothing, creates
 * nothing. */
MUST_USE int private_find(struct private_server *server, struct err *err);

/* Joins the one that runs, or starts one and waits until it serves. *started says which. */
MUST_USE int private_ensure(struct private_server *server, bool *started, struct err *err);

/* The same where an earlier one has left studies; ERR_NOT_FOUND where there never was one. */
MUST_USE int private_again(struct private_server *server, bool *started, struct err *err);

/* Tells the one that runs to end, and waits until it has; *server is where it was. ERR_NOT_FOUND:
 * none runs. ERR_OVERLOADED: it has not ended after twenty seconds. */
MUST_USE int private_stop(struct private_server *server, struct err *err);

#endif
