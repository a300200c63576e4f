/* The live tables: studies that are not deleted, open trials, leases, workers, tokens.
 *
 * All of it can be rebuilt from the store. It belongs to the writer thread (in tests to the one
 * thread there is). What may be done with the tables stands in the headers beside this one; every
 * change of a trial's or a lease's state is in transition.h, and nowhere else. */
#ifndef SERVER_STATE_STATE_H
#define SERVER_STATE_STATE_H

#include "common/map.h"
#include "common/wire/wire.h"
#include "server/domain/config_set.h"
#include "server/domain/shared_def.h"
#include "server/schedule/schedule.h"
#include "server/state/heap.h"
#include "server/state/tally.h"
#include "server/store/store.h"
#include "server/strategy/strategy.h"
#include "server/suggester/suggester.h"

struct live_trial;
struct live_study;
struct obsolete_checkpoint;

/* Where workers run; kept as long as the server runs (node_health.h). */
struct live_node {
    struct node_row row;
    struct live_node *next; /* of those with a row in the store, in order of name */
    int64_t workers;        /* that are known and run on it */
    bool takes_back;        /* trials that failed on it are to be taken back with this command */
};

enum node_state { NODE_ACTIVE, NODE_DRAINING, NODE_QUARANTINED, NODE_GONE, NODE_STATE_COUNT };

/* A worker, by name; workers.h says how long it is kept. */
struct live_worker {
    struct live_node *node;
    struct live_worker *newer, *older; /* in the order in which they were seen */
    int64_t used_ms;                   /* monotonic: then it was put there */
    int64_t held;                      /* leases that name it, live or expired */
    int64_t id;                        /* its row; 0 until it is granted a lease */
    char name[WORKER_NAME_BYTES];
    char host[WORKER_NAME_BYTES];
    int64_t last_seen_ms; /* wall clock */
    int64_t leases;
    int64_t n_gpus;
    int64_t waiting;                       /* its parked asks */
    char health[HEALTH_BYTES];             /* why it says that it is not well; "": it is */
    int64_t first_seen_ms, last_report_ms; /* wall clock; 0: not since the server started */
    int64_t completed, failed;             /* results since the server started */
    double completed_seconds, steps;       /* of the completed ones; steps as reported */
    double gpu_utilization;                /* 0 to 1, as last said of its trial; NaN: not said */
};

/* The last value of each metric, in the attempt that is under way. */
struct last_value {
    int64_t metric;
    int64_t step;
    double value;
    double best; /* objectives with fold "best" */
};

/* The newest attempt of an open trial: live, or expired and not overtaken; or one that was
 * cancelled, which is answered `abort` until its time is over. */
struct live_lease {
    struct attempt_row row;
    struct live_trial *trial; /* NULL once aborted */
    struct live_study *study; /* NULL once aborted and the study deleted */
    struct live_worker *worker;
    struct heap_node deadline;
    int64_t ttl_ms;
    bool expired;
    bool aborted;
    int64_t last_step; /* highest measured; -1: none */
    size_t n_last, cap_last;
    struct last_value *last;
    uint64_t ignored;                     /* digest of the last request with ignored values */
    double progress;                      /* NaN: not reported */
    int64_t tallied_ms;                   /* wall clock: its time is counted up to here; tally.h */
    struct obsolete_checkpoint *obsolete; /* what its grant lists; owned */
};

/* A trial that is not final. */
struct live_trial {
    struct trial_row row;
    struct live_study *study;
    struct live_trial *next_open, *previous_open; /* the study's open trials, in order of number */
    struct live_lease *lease;        /* live or expired; NULL before the first, after a release */
    bool unsaved;                    /* suggested in this very command: has no row yet */
    char *parameters;                /* JSON, made for the first grant; NULL before */
    struct live_trial *next, **link; /* in one of the study's queues; link NULL: in none */
    struct checkpoint checkpoint;    /* the newest one reported; checkpoints.h changes it */
    struct learning_curve curve;     /* of the objective; kept where the study has a suggester */
    int64_t forecast_level;          /* a forecast was requested at this level; 0: none is */
};

/* How long its last completed attempts took, per step where it has a resource (durations.h). */
#define DURATIONS_KEPT 15
struct durations {
    size_t n, next;
    double seconds[DURATIONS_KEPT];
};

struct trial_queue {
    struct live_trial *first, **tail;
    int64_t n;
};

/* Studies that a group has to look at, each once (studies.h). */
struct touched_studies {
    struct live_study *first, **tail;
};

struct live_study {
    struct study_row row; /* the texts are kept */
    struct shared_def *shared;
    const struct study_def *def; /* shared->def */
    struct shared_def *first;    /* what the schedule was made from: PATCH changes none of it */
    const struct strategy *strategy;
    struct schedule *schedule;
    bool sealed;           /* the schedule knows that no new configurations come */
    int64_t stragglers_ms; /* monotonic: when it looks at stragglers next; INT64_MAX: never */
    bool dirty;            /* counters to be written with this group */
    bool is_touched;       /* it is in the list: */
    struct touched_studies *touched;
    struct live_study *next_touched;
    bool redefine;               /* the definition as well */
    struct config_set tried;     /* tried.h */
    uint64_t n_configurations;   /* of the space; UINT64_MAX: not counted */
    struct suggester *suggester; /* where the strategy or the schedule learns; else NULL */
    int64_t imported_failures;   /* of the trials that are counted as failed */
    int64_t live_leases;
    struct durations durations;
    struct tally tally;
    struct checkpoint best_checkpoint; /* of the best trial, if that has ended before `max` */
    int64_t best_holder;               /* its number */
    uint64_t no_offer;                 /* the dispatch in which it had nothing to hand out */
    struct live_trial *open, *last_open;
    size_t n_open;
    struct trial_queue retries;  /* lost, released, preempted */
    struct trial_queue enqueued; /* waiting for their first lease */
    size_t n_metrics;
    char (*metrics)[METRIC_NAME_BYTES + 1];
    char *objectives_json;   /* for grants */
    char *job_json;          /* or NULL */
    struct heap_node clock;  /* when limits.seconds or a deadline of the schedule is reached */
    struct live_study *next; /* all, in order of id */
};

/* A token of the store, revoked and expired ones included. */
struct live_token {
    char id[16];
    unsigned scopes;
    int64_t expires_at_ms; /* wall clock; 0: never */
    bool revoked;
};

/* A request id of an ask, and the attempt that it was answered with. */
struct cached_request {
    unsigned char request[16];
    int64_t attempt_id;
    int64_t ended_ms; /* monotonic; 0 while the lease lives */
};

struct state {
    struct store *store;
    int64_t now_ms;  /* monotonic, of this group */
    int64_t wall_ms; /* of this group */

    struct live_study *studies, **studies_tail;
    struct touched_studies touched;
    struct live_study **by_name; /* all, in order of name, for views (view.h) */
    size_t n_by_name, cap_by_name;
    bool by_name_is_old; /* a study came or went since */
    struct map study_by_name;
    struct map study_by_id;
    struct map trial_by_id;
    struct map lease_by_attempt;
    struct map worker_by_name;
    struct map node_by_name;
    struct live_node *nodes; /* those with a row in the store, in order of name */
    struct live_worker *newest_worker, *oldest_worker;
    struct map request_cache; /* struct cached_request */
    struct map token_by_id;
    struct map obsolete_by_host; /* struct obsolete_queue */
    struct map holders_by_place; /* size_t: how many open trials name a checkpoint as newest */
    struct heap lease_deadlines;
    struct heap study_clocks;
    struct job_queue jobs; /* of all suggesters */

    int64_t n_live_leases;
    uint64_t n_expired; /* leases that ran out since the last tuning_take_expired() */
    int64_t last_seq;   /* of the events */
    int64_t purged_seq; /* events were removed up to here, here and there; 0: none */
    struct event_gaps event_gaps;
    bool may_have_work;   /* something changed that could serve a waiting ask */
    bool studies_moved;   /* a study ended, paused, …: every waiting ask may want an answer */
    bool forecasts_moved; /* a report that waits for a forecast may want its answer now */
    bool takes_back;      /* a node does */
    bool has_old_leases;  /* of earlier epochs (store.h): they are to be ended */
    bool tokens_changed;
    bool studies_changed;
};

#endif
