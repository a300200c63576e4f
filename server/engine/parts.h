/* The engine's own state, for the files of this folder. */
#ifndef SERVER_ENGINE_PARTS_H
#define SERVER_ENGINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/histogram.h"
#include "server/engine/backups.h"
#include "server/engine/optimisers.h"
#include "server/engine/queue.h"
#include "server/engine/readers.h"
#include "server/engine/settings.h"
#include "server/store/hwm.h"
#include "server/store/place.h"
#include "server/tuning/tuning.h"

/* Of watch.c. */
struct engine_watch {
    struct hwm_file file; /* fd -1: none is kept */
    struct hwm mark;      /* as last written, or about to be */
    atomic_llong commit;  /* on disk; the writer's */
    int64_t written;      /* of those, in the file */
    bool has_failed;      /* the last try, which was told */
    struct place place;
    pthread_t thread;
    bool runs;
    pthread_t checker; /* looks at the whole database once */
    bool checks;
    struct store *checked; /* its connection */
    pthread_mutex_t lock;
    pthread_cond_t ended; /* CLOCK_MONOTONIC */
    bool ends;            /* under the lock */
};

struct engine {
    struct engine_settings settings;
    int lock_fd; /* of the data directory; -1 in memory */
    struct store *store;
    struct tuning *tuning;
    struct queue queue;
    struct readers readers;
    bool readers_run;
    struct optimisers optimisers;
    bool optimisers_run;
    pthread_t writer;
    bool writer_runs;
    struct engine_watch watch;
    struct backups *backups; /* NULL: no folder for them is set */
    atomic_bool stopping;
    atomic_bool is_loaded;
    int64_t probed_ms;        /* real monotonic: when space was last looked for */
    atomic_int condition;     /* enum engine_condition */
    atomic_llong last_use_ms; /* real monotonic: the last request of any kind */
    pthread_mutex_t view_lock;
    pthread_cond_t view_changed; /* CLOCK_MONOTONIC */
    struct live_view *view;
    uint64_t view_number;       /* of those published; under the lock, as the view is */
    atomic_llong view_made_ms;  /* real monotonic */
    int64_t view_interval_ms;   /* until the next one; the writer's */
    atomic_bool view_is_old;    /* something was answered since */
    atomic_bool view_is_wanted; /* a reader waits for a newer one */
    int64_t seq_told;
    int64_t token_uses_kept_ms;   /* real monotonic */
    int64_t token_uses_before_ms; /* the time before, where this group took some; else 0 */
    bool tokens_changed;          /* since they were last published */
    size_t answered;              /* by the last group */
    double gain;    /* how many of those came back while the writer waited, smoothed */
    unsigned probe; /* groups since it last waited */
    atomic_ullong groups, commands, commits, granted, expired;
    atomic_llong last_commit_us;
    struct histogram commit_durations, suggest_durations;
};

#endif
