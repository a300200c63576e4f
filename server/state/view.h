/* An immutable copy of what lives only in memory, for readers on other threads. */
#ifndef SERVER_STATE_VIEW_H
#define SERVER_STATE_VIEW_H

#include "common/wire/wire.h"
#include "server/domain/shared_def.h"
#include "server/state/tally.h"
#include "server/store/store.h"

struct state;

struct live_study_view {
    int64_t id;
    char name[NAME_BYTES];
    struct shared_def *def; /* held */
    struct study_row row;   /* its texts are NULL */
    struct tally tally;
    int64_t live_leases;
    size_t n_metrics;
    char (*metrics)[METRIC_NAME_BYTES + 1]; /* by metric id; owned */
};
struct live_lease_view {
    int64_t study;
    int64_t trial;
    int64_t attempt;
    char worker[WORKER_NAME_BYTES];
    int64_t expires_in_ms; /* when the view was made; negative: expired */
    double progress;       /* NaN: not said */
    int64_t last_step;     /* -1: none */
    unsigned missing; /* several objectives: a bit for each that is not known at last_step, where
                         the trial has reached its rung and waits for it alone */
    double value;     /* the newest of the one objective; NaN: none, or several objectives */
    int digits;       /* of the study's steps */
};
struct live_worker_view {
    char name[WORKER_NAME_BYTES];
    char host[WORKER_NAME_BYTES];
    int64_t last_seen_ms; /* wall clock */
    int64_t leases;
    bool waiting;
    int64_t n_gpus;
    const char *state;         /* as in the API; static text */
    char reason[HEALTH_BYTES]; /* "": none */
    int64_t first_seen_ms;     /* wall clock; 0: not since the server started */
    int64_t last_report_ms;    /* wall clock; 0: none since the server started */
    int64_t completed, failed; /* results since the server started */
    double per_hour;           /* completed since it was first seen; NaN: not seen yet */
    double seconds_per_trial;  /* of completed attempts; NaN: none */
    double seconds_per_step;   /* the same; NaN: it has reported no steps */
    double gpu_utilization;    /* 0 to 1, of the GPUs of its trial; NaN: not known */
};
struct live_view {
    _Atomic int holders;
    int64_t last_seq;
    int64_t purged_seq; /* events were removed up to here, here and there; 0: none */
    struct event_gaps event_gaps;
    size_t n_studies, n_leases, n_workers;
    size_t n_waiting;
    struct live_study_view *studies; /* by name */
    struct live_lease_view *leases;
    struct live_worker_view *workers;
};
/* `n_waiting`: asks that wait. ERR_NOMEM. */
MUST_USE int state_view(struct state *state, size_t n_waiting, struct live_view **view,
                        struct err *err);
/* Frees it with its last holder. Any thread; accepts NULL. */
void live_view_release(struct live_view *view);
/* Returns the view, held once more. Any thread. */
struct live_view *live_view_hold(struct live_view *view);
/* Returns the lease of a trial, borrowed; NULL: it has none. Any thread. */
const struct live_lease_view *live_view_lease(const struct live_view *view, int64_t study,
                                              int64_t trial);
/* Returns the study of that name, borrowed; NULL: there is none. Any thread. */
const struct live_study_view *live_view_study(const struct live_view *view, const char *name);

#endif
