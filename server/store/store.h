/* The store: studies, trials, attempts, measurements, events on disk, and the only SQL.
 *
 * One `struct store` is one connection. store_open() opens the only read-write connection, which
 * belongs to one thread (the writer); store_open_reader() opens read-only ones, each for one
 * thread. Several writes make a group: store_group_begin(); for each command store_savepoint(),
 * its writes, store_release() or store_undo(); store_group_commit(). BEGIN and SAVEPOINT are sent
 * only when the first write comes, so a command that writes nothing costs nothing.
 *
 * Rows go in and out as plain structs; texts and blobs inside a row that was read belong to the
 * row (_finish). Every walk (store_each_…) stops when `each` returns non-zero, and returns that.
 *
 * Errors: ERR_STORAGE_FULL (the whole group is undone; may be tried again), ERR_IO (unknown state:
 * see store_group_commit), ERR_NOMEM.
 *
 * The seam is on purpose: nothing above knows SQLite, and a second engine could stand here. */
#ifndef SERVER_STORE_STORE_H
#define SERVER_STORE_STORE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/own.h"
#include "server/domain/lease.h"
#include "server/domain/study.h"
#include "server/domain/trial.h"
#include "server/store/hwm.h"

struct store;

struct store_settings {
    const char *directory; /* the data directory; NULL: a database in memory, gone at close */
    bool accept_loss;      /* go on although less is there than the file `hwm` says (hwm.h) */
    bool new_epoch; /* the database was put there from a backup: accepts a loss, and ends leases */
    const struct clock *clock; /* of an epoch that begins; NULL: that of the system */
    /* Any connection found the database damaged; `text` says how. On its thread, within the call
     * that fails with ERR_IO. NULL: nobody is told. */
    void (*on_damage)(void *context, const char *text);
    void *context;
};

/* Opens or creates, migrates (after a copy to before-NNNN.db), checks the version. ERR_IO with what
 * to do: directory missing or not writable, newer database, not a database, less in it than was on
 * disk, which is then left as it is. */
MUST_USE int store_open(const struct store_settings *settings, struct store **store,
                        struct err *err);
/* Commits that a run has begun: from here on the mark (hwm.h) is beyond every older copy of the
 * database. To be called when all that a start reads was found sound: before, opening has changed
 * nothing that was there, but for a migration and a loss that was accepted, nor does closing. */
MUST_USE int store_begin_run(struct store *store, struct err *err);
/* A read-only connection to the same database. It sees what is committed, and does not wait for an
 * open group; in memory the two wait for each other: ERR_OVERLOADED after five seconds. */
MUST_USE int store_open_reader(const struct store *writer, struct store **reader, struct err *err);
/* Closes a connection; the readers before the writer. Accepts NULL. */
void store_close(struct store *store);

static inline void store_drop(struct store **owned)
{
    store_close(*owned);
}

/* Takes the lock of a data directory (created with mode 0700 if missing): *fd holds it until
 * closed. ERR_OVERLOADED: another server has it (its pid is named). ERR_IO: a network file system,
 * permissions, another program's files. */
MUST_USE int store_lock_directory(const char *directory, int *fd, struct err *err);
/* What that checks, alone: each changes nothing, and is ERR_IO with what to do. Type and rights;
 * the kind of file system; no other program's files. */
MUST_USE int store_check_directory(const char *directory, struct err *err);
MUST_USE int store_check_file_system(const char *directory, struct err *err);
MUST_USE int store_check_content(const char *directory, struct err *err);
/* Keeps servers out while the directory is looked at: *fd holds it until closed, and stays as it
 * was where there is no lock file yet, or a server runs. `holder` ← that server's pid, "": none
 * runs. Writes nothing. ERR_IO: the lock file cannot be read. */
MUST_USE int store_hold_directory(const char *directory, int *fd, char holder[32], struct err *err);

/* ---- groups ---- */
/* From here on writes are collected; nothing is sent before the first one. */
void store_group_begin(struct store *store);
/* Was anything written in this group? */
bool store_group_is_dirty(const struct store *store);
/* After ERR_IO it is not known whether the group is on disk: the process must drop its clients and
 * abort. ERR_WRONG_STATE: another server has written since; nothing of the group is on disk, and
 * what was decided from older reads must not be. */
MUST_USE int store_group_commit(struct store *store, struct err *err);
/* Undoes the group; harmless where nothing was written. */
void store_group_rollback(struct store *store);
/* Begins the writes of one command. */
void store_savepoint(struct store *store);
/* Keeps them. */
MUST_USE int store_release(struct store *store, struct err *err);
/* Undoes them; the group goes on. */
MUST_USE int store_undo(struct store *store, struct err *err);
/* Copies what the log holds into the database; for idle moments and the orderly stop. */
void store_checkpoint(struct store *store, bool truncate);
/* PRAGMA quick_check on a reader: ERR_IO with what it found, which on_damage is told too. Reads the
 * whole database; store_interrupt() ends it with ERR_OVERLOADED. */
MUST_USE int store_quick_check(struct store *reader, struct err *err);
/* Ends what the connection is doing. Any thread, while it is open. */
void store_interrupt(struct store *store);
/* From now on a read of this reader that takes longer than a millisecond or so asks, again and
 * again, whether it is still wanted; where not, it ends with ERR_OVERLOADED. NULL: no longer. */
void store_read_while(struct store *reader, bool (*is_wanted)(void *context), void *context);
/* Did the last run end in an orderly way? Written by store_mark_clean(), wiped at open. */
bool store_was_clean(const struct store *store);
/* The last write before an orderly stop. */
MUST_USE int store_mark_clean(struct store *store, struct err *err);

/* ---- how far the database has come ---- */
/* Is there space for a write of 256 KiB? Writes and removes it, in two groups of its own; the
 * errors of store_group_commit(). */
MUST_USE int store_probe_space(struct store *store, struct err *err);
/* *mark ← up to the last commit, for hwm_write(). The writer's thread. */
void store_mark(const struct store *store, struct hwm *mark);
/* What was given up at the opening, a sentence; NULL: nothing. Borrowed. */
const char *store_accepted_loss(const struct store *store);
/* The newest attempt of earlier epochs; 0: there is none. */
int64_t store_last_attempt(const struct store *store);
/* ERR_EPOCH_CHANGED: the attempt is of an earlier epoch, so its lease holds no more. */
MUST_USE int store_check_epoch(const struct store *store, int64_t attempt, struct err *err);
/* For a lease that is not there; always -1. ERR_NOT_FOUND; ERR_EPOCH_CHANGED where it may have been
 * given out after the state of the database that is gone on from. */
int store_unknown_lease(const struct store *store, struct err *err);

/* ---- studies ---- */
struct study_row {
    int64_t id;
    char name[NAME_BYTES];
    char *accepted;   /* owned */
    char *definition; /* owned */
    enum study_state state;
    enum study_reason reason;
    int64_t revision;
    int64_t created_at_ms;
    int64_t started_at_ms; /* 0: none */
    int64_t paused_at_ms;  /* 0: none */
    int64_t paused_ms;
    int64_t last_number;
    uint64_t last_ordinal;
    int64_t leased_trials;
    int64_t resource_spent;
    bool exhausted;
    bool target_reached;
    int64_t counts[TRIAL_STATE_COUNT];
    int64_t best_trial; /* 0: none */
    double best_value;
    int64_t best_resource;
    int64_t failed_in_row;   /* trials that failed by themselves since the last that did not */
    bool has_value;          /* a finite objective was reported at least once */
    int64_t enqueued_trials; /* without those that were cancelled before their first lease */
    int64_t feasible_trials; /* completed ones that are known to be feasible */
    int64_t bounds_seen;     /* bit i: a trial has reported a number of the metric of bound i */
};
void study_row_finish(struct study_row *row);
OWN_VALUE(study_row)

/* *revision ← the newest revision of the studies of this name that were deleted and are not removed
 * yet, or 0. */
MUST_USE int store_study_former_revision(struct store *store, const char *name, int64_t *revision,
                                         struct err *err);
/* Sets row->id. */
MUST_USE int store_study_insert(struct store *store, struct study_row *row, struct err *err);
/* Everything but name and accepted body; the definition only when `define`. */
MUST_USE int store_study_update(struct store *store, const struct study_row *row, bool define,
                                struct err *err);
/* Hides the study from every read at once; store_purge_deleted() removes its rows. */
MUST_USE int store_study_delete(struct store *store, int64_t id, int64_t now_ms, struct err *err);
/* Live (not deleted) ones in order of id. */
MUST_USE int store_each_study(struct store *store,
                              int (*each)(void *context, struct study_row *row, struct err *err),
                              void *context, struct err *err);
/* The live study of this id. ERR_NOT_FOUND. */
MUST_USE int store_study_load(struct store *store, int64_t id, struct study_row *row,
                              struct err *err);
struct study_query {
    int64_t after_id; /* keyset: studies beyond this one; 0 starts */
    int state;        /* -1: any */
    int64_t limit;
};
/* A page of live studies, in order of id. */
MUST_USE int store_each_study_of(struct store *store, const struct study_query *query,
                                 int (*each)(void *context, struct study_row *row, struct err *err),
                                 void *context, struct err *err);
/* Metrics of a study have the ids 0, 1, …. */
MUST_USE int store_metric_insert(struct store *store, int64_t study, int64_t id, const char *name,
                                 struct err *err);
/* In order of id. */
MUST_USE int store_each_metric(struct store *store, int64_t study,
                               int (*each)(void *context, int64_t id, const char *name,
                                           struct err *err),
                               void *context, struct err *err);
/* *until_ms ← up to when nothing that is old is removed (wall clock), as was last set; 0: nothing
 * is held. */
MUST_USE int store_retention_hold(struct store *store, int64_t *until_ms, struct err *err);
/* In a group; 0: from now on it is removed. */
MUST_USE int store_set_retention_hold(struct store *store, int64_t until_ms, struct err *err);
/* *seq ← later events were recent, as was last set; -1: none was set. */
MUST_USE int store_recent_after(struct store *store, int64_t *seq, struct err *err);
MUST_USE int store_set_recent_after(struct store *store, int64_t seq, struct err *err);
/* Removes up to `rows` rows of studies deleted before `before_ms`, their events last; *more: call
 * again. */
MUST_USE int store_purge_deleted(struct store *store, int64_t before_ms, int rows, bool *more,
                                 struct err *err);

/* ---- workers ---- */
/* *id ← that of the row of this name, which is added where there is none. */
MUST_USE int store_worker_save(struct store *store, const char *name, int64_t *id, struct err *err);
/* Those of the newest `attempts` attempts, in order of id. */
MUST_USE int store_each_worker(struct store *store, int64_t attempts,
                               int (*each)(void *context, int64_t id, const char *name,
                                           struct err *err),
                               void *context, struct err *err);

/* ---- nodes: where workers run ---- */
#define NODE_FAILURES_MAX 64

/* A trial that failed on a node at once. */
struct node_failure {
    int64_t trial;     /* id */
    int64_t elsewhere; /* 1: another node has succeeded in its study since the first of these */
};

struct node_row {
    char name[WORKER_NAME_BYTES];
    size_t n_failed;
    struct node_failure failed[NODE_FAILURES_MAX]; /* oldest first */
    bool draining;
    int64_t quarantined_at_ms; /* 0: it is not */
    int64_t others_at_ms;      /* when another node was last seen to succeed, to the minute */
    int64_t probe_at_ms;
    int64_t probes;
    char reason[192]; /* "": none */
};
/* Adds the row or replaces the one of that name. */
MUST_USE int store_node_save(struct store *store, const struct node_row *row, struct err *err);
/* Removes it; harmless where there is none. */
MUST_USE int store_node_delete(struct store *store, const char *name, struct err *err);
/* In order of name. */
MUST_USE int store_each_node(struct store *store,
                             int (*each)(void *context, const struct node_row *row,
                                         struct err *err),
                             void *context, struct err *err);

/* ---- trials and attempts ---- */
struct trial_row {
    int64_t id;
    enum trial_state state;
    char reason[REASON_BYTES]; /* "" : none */
    enum trial_source source;
    bool fallback;
    uint64_t ordinal; /* 0: none */
    int64_t attempt;
    int64_t attempt_id; /* 0: none */
    int64_t losses, failures;
    bool excused; /* a failure was put down to its node */
    size_t n_params;
    double *config;  /* n_params; owned when read */
    size_t n_values; /* one an objective of the study; 0: none that may be compared */
    double values[OBJECTIVES_MAX];
    size_t n_bounded; /* one a bound of the study; 0: none is known */
    double bounded[BOUNDS_MAX];
    char *metrics; /* JSON or NULL; owned when read */
    bool has_step;
    int64_t step;
    char *explain; /* JSON or NULL; owned when read */
    void *basis;   /* what its suggestion had seen (server/suggester/basis.h) or NULL; owned; it is
                    * written with a new row, and read by store_each_basis() alone */
    size_t basis_bytes;
    int64_t created_at_ms;
    int64_t started_at_ms;          /* 0: none */
    int64_t ended_at_ms;            /* 0: none */
    int64_t ended_seq;              /* 0: none */
    int64_t replaced, ignored;      /* reported values: overwritten others; had others before */
    char worker[WORKER_NAME_BYTES]; /* of the newest attempt; readers only */
};
void trial_row_finish(struct trial_row *row);
OWN_VALUE(trial_row)
/* The value of a trial with a single objective; NaN: it has none, or the study has several. */
static inline double trial_row_value(const struct trial_row *row)
{
    return row->n_values == 1 ? row->values[0] : (double)NAN;
}
/* The values of the bounded metrics, for study_feasibility(); NULL: none is known. */
static inline const double *trial_row_bounded(const struct trial_row *row)
{
    return row->n_bounded > 0 ? row->bounded : NULL;
}
/* *value ← what stands under `name` in the JSON text of a row's metrics (may be NULL). It may be
 * infinite; NaN: there is none, or it was NaN. ERR_NOMEM, and ERR_IO for a damaged text. */
MUST_USE int metrics_value(const char *metrics, const char *name, double *value, struct err *err);

/* The id is made by the caller (trial_id()). */
MUST_USE int store_trial_insert(struct store *store, const struct trial_row *row, struct err *err);
/* Everything that changes after birth. */
MUST_USE int store_trial_update(struct store *store, const struct trial_row *row, struct err *err);
/* Replaces the configuration: the study has got another space. */
MUST_USE int store_trial_set_config(struct store *store, int64_t id, size_t n_params,
                                    const double x[], struct err *err);
/* ERR_NOT_FOUND. */
MUST_USE int store_trial_load(struct store *store, int64_t id, struct trial_row *row,
                              struct err *err);
/* Trials without a final state, of all studies, in order of id. */
MUST_USE int store_each_open_trial(struct store *store,
                                   int (*each)(void *context, struct trial_row *row,
                                               struct err *err),
                                   void *context, struct err *err);

struct attempt_row {
    int64_t id;
    int64_t trial;
    int64_t number;
    unsigned char secret[LEASE_SECRET_BYTES];
    int64_t worker;
    bool has_request;
    unsigned char request[16];
    int64_t from, to;
    int64_t leased_at_ms;
    int64_t ttl_ms; /* that its worker asked for; 0: the study's */
    enum attempt_end end;
    char reason[REASON_BYTES];
    char *detail; /* owned when read */
    bool has_step;
    int64_t step;
    bool late;
    bool has_result;
    unsigned char result[16];
    char *checkpoint; /* JSON; owned when read */
    char *usage;      /* JSON; owned when read */
    int64_t ended_at_ms;
    char worker_name[WORKER_NAME_BYTES]; /* readers only */
};
void attempt_row_finish(struct attempt_row *row);
OWN_VALUE(attempt_row)

/* Sets row->id. */
MUST_USE int store_attempt_insert(struct store *store, struct attempt_row *row, struct err *err);
/* Everything that changes after birth. */
MUST_USE int store_attempt_update(struct store *store, const struct attempt_row *row,
                                  struct err *err);
/* The trial is to be trained from its start again: its attempts name no checkpoint any more. */
MUST_USE int store_attempts_forget_checkpoints(struct store *store, int64_t trial, struct err *err);
/* ERR_NOT_FOUND. */
MUST_USE int store_attempt_load(struct store *store, int64_t id, struct attempt_row *row,
                                struct err *err);
/* A trial's, in order of number. */
MUST_USE int store_each_attempt(struct store *store, int64_t trial,
                                int (*each)(void *context, struct attempt_row *row,
                                            struct err *err),
                                void *context, struct err *err);
/* Those of the trials from `first` to `last`, both included: the newest trial first, and each
 * trial's in order of number. */
MUST_USE int store_each_attempt_between(struct store *store, int64_t first, int64_t last,
                                        int (*each)(void *context, struct attempt_row *row,
                                                    struct err *err),
                                        void *context, struct err *err);
/* Attempts with a request id that an event after `after_seq` has ended. */
MUST_USE int store_each_recent_request(struct store *store, int64_t after_seq,
                                       int (*each)(void *context, struct attempt_row *row,
                                                   struct err *err),
                                       void *context, struct err *err);
/* Keeps the body of a late result beside its attempt. */
MUST_USE int store_evidence_insert(struct store *store, int64_t attempt, int64_t at_ms,
                                   const char *body, struct err *err);

/* ---- measurements ---- */
struct measurement_row {
    int64_t trial; /* its id */
    int64_t attempt;
    int64_t metric; /* its id within the study */
    int64_t step;
    double value;
};
enum store_append { APPEND_NEW, APPEND_DUPLICATE, APPEND_CONFLICT };
/* The first value of (trial, attempt, metric, step) wins. */
MUST_USE int store_measurement_append(struct store *store, const struct measurement_row *row,
                                      enum store_append *result, struct err *err);
/* Overwrites a value that is there. */
MUST_USE int store_measurement_replace(struct store *store, const struct measurement_row *row,
                                       struct err *err);
/* *found ← whether that attempt has measured the step; the value does not matter. */
MUST_USE int store_measurement_exists(struct store *store, const struct measurement_row *row,
                                      bool *found, struct err *err);
/* In order of metric, step, attempt; metric < 0: all. */
MUST_USE int store_each_measurement(struct store *store, int64_t trial, int64_t metric,
                                    int (*each)(void *context, int64_t metric, int64_t attempt,
                                                int64_t step, double value, struct err *err),
                                    void *context, struct err *err);
/* A page of a trial's measurements in order of step, then attempt. */
struct measurement_query {
    int64_t trial;                     /* its id */
    int64_t metric;                    /* negative: all */
    int64_t after_step, after_attempt; /* where the page before ended; -1 and -1: the first page */
    int64_t limit;                     /* measurements of each metric in each attempt */
};
/* The first `limit` measurements behind that place of each attempt and metric: together they hold
 * the next `limit` pairs of a step and an attempt, and more. In order of attempt, metric, step.
 * What is left out is not read: the cost is that of what is told. */
MUST_USE int
store_each_measurement_after(struct store *store, const struct measurement_query *query,
                             int (*each)(void *context, int64_t metric, int64_t attempt,
                                         int64_t step, double value, struct err *err),
                             void *context, struct err *err);

/* ---- events ---- */
/* As stored: never renumber. */
enum event_kind {
    EVENT_STUDY_CREATED = 0,
    EVENT_STUDY_CHANGED = 1,
    EVENT_STUDY_FINISHED = 2,
    EVENT_STUDY_DELETED = 3,
    EVENT_TRIAL_QUEUED = 4,
    EVENT_TRIAL_RUNNING = 5,
    EVENT_TRIAL_PAUSED = 6,
    EVENT_TRIAL_ENDED = 7,
    EVENT_ATTEMPT_ENDED = 8,
    EVENT_TOKEN_CHANGED = 9,
    EVENT_MEASUREMENT_REPLACED = 10,
    EVENT_WORKER_QUARANTINED = 11,
    EVENT_WORKER_DRAINING = 12,
    EVENT_WORKER_RESUMED = 13,
    EVENT_EPOCH_BEGAN = 14, /* of no study */
    EVENT_KIND_COUNT
};
/* The word of the API; static text. "unknown": a newer server has written it. */
const char *event_kind_name(enum event_kind kind);

struct event_row {
    int64_t seq;
    int64_t study; /* 0: none */
    enum event_kind kind;
    int64_t trial;   /* number; 0: none */
    int64_t attempt; /* 0: none */
    int64_t at_ms;
    const char *worker; /* its node; NULL: none; borrowed */
    const char *detail; /* the same */
};
/* *seq ← the number of the event, higher than any before. */
MUST_USE int store_event_append(struct store *store, const struct event_row *event, int64_t *seq,
                                struct err *err);
/* *seq ← the number of the newest event; 0: there is none. */
MUST_USE int store_last_seq(struct store *store, int64_t *seq, struct err *err);
/* *seq ← the number of the newest event before that moment (wall clock); 0: there is none. */
MUST_USE int store_event_before(struct store *store, int64_t at_ms, int64_t *seq, struct err *err);
/* *at_ms ← when the newest event was (wall clock); 0: there is none. */
MUST_USE int store_last_event_ms(struct store *store, int64_t *at_ms, struct err *err);
/* *after ← the number that the newest n events come after, to be given to store_each_event(); 0:
 * there are no more than n. Their numbers do not say so, since these have gaps. Costs n steps in an
 * index. */
MUST_USE int store_seq_before_newest(struct store *store, int n, int64_t *after, struct err *err);
/* Events after `after`, oldest first, at most `limit` rows *looked at*; study 0: all. *looked_at
 * is the last sequence number seen, of this study or not. */
MUST_USE int store_each_event(struct store *store, int64_t study, int64_t after, int limit,
                              int (*each)(void *context, const struct event_row *event,
                                          struct err *err),
                              void *context, int64_t *looked_at, struct err *err);

/* Removes, among the next `looked_at` numbers after *after (0 at first), the events from before
 * this moment (wall clock) that belong to no study that is there. The newest event of all stays, so
 * that no number comes twice. *after ← where to go on; 0: what follows is younger. Writes nothing
 * where none goes. */
MUST_USE int store_event_purge(struct store *store, int64_t before_ms, int64_t *after,
                               int looked_at, struct err *err);
/* The same for those of one study, of any age; *after ← INT64_MAX at the end. */
MUST_USE int store_event_purge_study(struct store *store, int64_t study, int64_t *after,
                                     int looked_at, struct err *err);
/* *seq ← events were removed up to this number, here and there; 0: none was. */
MUST_USE int store_events_purged(struct store *store, int64_t *seq, struct err *err);

/* Where epochs began (a restored backup, an accepted loss): the numbers between the newest event of
 * the older state and the event that the epoch begins with. Clients may know events of these
 * numbers; what they were about is not there any more, and none comes twice. */
#define EVENT_GAPS_MAX 32 /* the newest ones */
struct event_gaps {
    size_t n;
    struct {
        int64_t after, until; /* the newest event before, the first one behind */
    } items[EVENT_GAPS_MAX];  /* oldest first */
};
MUST_USE int store_event_gaps(struct store *store, struct event_gaps *gaps, struct err *err);
/* The first event behind the gap that the number lies in; 0: it lies in none. */
int64_t event_gaps_end(const struct event_gaps *gaps, int64_t seq);

/* ---- reading trials (readers) ---- */
struct trial_query {
    int64_t study;
    int64_t after_number; /* keyset: rows beyond this one; 0 starts */
    bool reverse;
    int limit;
    unsigned states;  /* bit per state; 0: all */
    unsigned sources; /* bit per source; 0: all */
};
/* A page of trials, in order of number. */
MUST_USE int store_each_trial(struct store *store, const struct trial_query *query,
                              int (*each)(void *context, struct trial_row *row, struct err *err),
                              void *context, struct err *err);

/* The completed trials that ended with an event after this one, in any order. Looks at every trial
 * of the study. */
MUST_USE int store_each_trial_ended_after(struct store *store, int64_t study, int64_t after_seq,
                                          int (*each)(void *context, struct trial_row *row,
                                                      struct err *err),
                                          void *context, struct err *err);

/* A read transaction: several reads see the same moment. */
MUST_USE int store_read_begin(struct store *reader, struct err *err);
/* Ends it; harmless where none was begun. */
void store_read_end(struct store *reader);

#endif
