/* The settings of honed: by arguments, by a file of `key = value` lines (--config), by environment.
 *
 * Arguments stand above the file. For tests only, by environment: HONE_TEST_STORE=memory (nothing
 * on disk), HONE_TEST_GROUP=N (at most N commands a commit), HONE_TEST_CLOCK_SCALE=X (leases run
 * X times as fast). */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "server/http/http.h"

struct settings {
    char *data;                       /* NULL only with HONE_TEST_STORE=memory */
    char *listen[HTTP_LISTENERS_MAX]; /* NULL after the last */
    size_t n_listen;
    unsigned socket_mode; /* 0: not said */
    char *host;
    char *tls_cert;
    char *tls_key;
    bool open;
    bool plain_http;
    bool behind_proxy;
    bool accept_loss;
    int64_t idle_exit_seconds;
    int64_t keep_event_days;  /* 0: not said */
    int64_t keep_audit_days;  /* 0: not said */
    int64_t log_bytes;        /* kept of one attempt's log */
    int64_t logs_bytes;       /* of all logs */
    int64_t checkpoint_bytes; /* of an uploaded one, at most */
    char *replay;             /* the study that is replayed instead of serving; NULL: none */
    int64_t replay_until;     /* decisions; 0: all */
    char *backup;             /* a backup is written to this file instead; NULL: none */
    char *backup_directory;   /* where those go that clients order; NULL: none may */
    char *restore;            /* the data directory gets this backup instead; NULL: none */
    bool check;               /* only look at what a start would meet */
    size_t test_group;
    double test_clock_scale;
};

/* Prints help or version and exits by itself where asked. ERR_INVALID; ERR_IO, ERR_OVERLOADED: the
 * file cannot be read. */
MUST_USE int settings_read(int argc, char **argv, struct settings *settings, struct err *err);
void settings_finish(struct settings *settings);
/* The name of the next option, from *place (0 at first) on, in which the two differ; NULL: there is
 * none. Those of one start alone and of tests are left out. */
const char *settings_difference(const struct settings *a, const struct settings *b, size_t *place);

#endif
