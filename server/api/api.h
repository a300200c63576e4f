/* The API: turns requests into commands and reads, and results into JSON. It decides nothing.
 *
 * Handlers run on the loop thread. Small bodies are parsed there; larger ones, new studies and
 * imports on a reader thread. A write becomes a command for the engine (submit.h) and is answered
 * when its group is on disk (deliver.h). A read runs on a reader thread (read.h). */
#ifndef SERVER_API_API_H
#define SERVER_API_API_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/map.h"
#include "server/api/value_orders.h"
#include "server/engine/backups.h"
#include "server/engine/engine.h"
#include "server/files/logs.h"
#include "server/files/uploads.h"
#include "server/http/http.h"
#include "server/suggester/fit_cache.h"

/* What the handlers share; made by main.c. Only what is atomic or under the lock changes. */
struct api {
    struct engine *engine;
    struct http_server *http;
    const char *directory;        /* where the data lies; NULL: in memory */
    struct logs *logs;            /* NULL: nothing is kept beside a database in memory */
    struct uploads *uploads;      /* the same */
    struct fit_cache *fits;       /* of POST /v1/suggest; NULL: none are kept */
    struct value_orders orders;   /* of lists by value */
    atomic_bool looks_at_backups; /* a request does (backups.c) */
    atomic_int n_replays;         /* streams of GET …/replay */
    atomic_int n_receptions;      /* uploads under way */
    atomic_bool prunes;           /* such a look is queued */
    _Atomic int64_t pruned_seq;   /* the events up to here were looked at */
    _Atomic int64_t pruned_at_ms; /* when all uploads were last looked at; monotonic */
    bool is_open;                 /* no token is needed */
    const struct clock *clock;
    int64_t started_at_ms;
    _Atomic int64_t last_seq; /* the newest event on disk */
    atomic_int n_followers;   /* streams of events that want measurements (events.c) */
    pthread_mutex_t followers_lock;
    struct follower *followers;
    pthread_mutex_t waiters_lock; /* of ?wait= (wait.c) */
    struct waiter *waiters;
    atomic_int n_waiters;
    pthread_mutex_t news_lock; /* of study_news.c */
    struct map news;           /* by study */
    int64_t news_seq;          /* the events up to here were looked at */
    bool waiters_scan;         /* a job looks at new events for them */
};

#endif
