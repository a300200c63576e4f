/* What an attempt has measured and the server has not answered yet, in the order in which it came.
 *
 * Of values for the same step and metric the last counts; this is the one place of the agent that
 * decides so. One that waits is overwritten; one that was sent is corrected by a later batch, which
 * says so. A batch that the server refuses is taken apart, the objectives
 * before other metrics, until what is good is delivered and what is not is left out. Every report
 * is recorded in the slot's spool with a running number. While the server is away for long, only
 * the oldest ones are in memory: the others are read from there when their turn comes. What is
 * replaced or left out is noted once. */
#ifndef WORKER_AGENT_PENDING_H
#define WORKER_AGENT_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/map.h"
#include "common/wire/wire.h"
#include "worker/agent/notes.h"
#include "worker/agent/progress.h"
#include "worker/agent/spool.h"

#define PENDING_NAMES_MAX 256 /* of one attempt; a study keeps METRICS_MAX of them */
#define PENDING_OBJECTIVES_MAX 16
#define PENDING_ITEMS_KEPT 10000 /* in memory; the others are in the spool */
#define PENDING_BATCH_ITEMS 4000 /* keeps a request well below the server's limit on bodies */

struct pending_objective {
    bool maximize;
    bool folds_best; /* its value is the best one, not the last */
    struct objective_progress reported, delivered;
};

struct pending_name {
    char metric[METRIC_NAME_BYTES + 1];
    int64_t sent_step; /* the highest of a value that was put into a request; -1: none was */
    bool accepted;     /* the server has taken a value of it */
    bool refused;      /* the server takes none */
};

struct pending_item {
    int64_t step;
    double value;
    uint64_t number; /* of the first report that had a value for this step */
    size_t name;     /* index into names; the objectives come first */
    bool corrects;   /* a value for this step was perhaps sent before */
};

struct pending {
    struct notes *notes; /* borrowed */
    struct spool *spool; /* borrowed; NULL: everything is kept in memory */
    uint64_t last;       /* number of the last report */
    uint64_t loaded;     /* up to this one they are among the items, or need not be sent */
    uint64_t restored;   /* up to this one another worker may have sent them */
    uint64_t answered;   /* up to this one none need be sent any more; so the spool says */
    uint64_t condensed;  /* up to this one the spool holds but a summary */
    int64_t read_at;     /* where in the spool the ones that are not loaded begin */
    int digits;          /* of the study's steps; 0 unless set after pending_init() */
    size_t n_objectives;
    struct pending_objective objectives[PENDING_OBJECTIVES_MAX];
    size_t n_names;
    struct pending_name names[PENDING_NAMES_MAX];
    size_t n, cap;
    struct pending_item *items;
    struct map present; /* step and name of each item, once or twice: one may be in a request under
                           way and its correction behind it */

    size_t n_batch;    /* how many at the front are in the request under way; 0: none is */
    size_t n_suspects; /* how many at the front are left of a refused batch */
    size_t most;       /* how many of the suspects the next request may hold */
    size_t n_given_up; /* names and single values that the server refused */
    char why[300];     /* its text the first time */
};

/* `objectives` is the array of a lease, or NULL; not kept. */
void pending_init(struct pending *pending, const json_t *objectives, struct notes *notes,
                  struct spool *spool);
void pending_finish(struct pending *pending);
/* Forgets what waits. */
void pending_clear(struct pending *pending);

/* Adds the metrics of one step; a value that is there already is replaced. */
void pending_add(struct pending *pending, int64_t step, const struct metric_value *metrics,
                 size_t n);

/* The next request's measurements, the same ones until they were accepted or refused. Needs n > 0.
 * The caller finishes *batch. */
MUST_USE int pending_batch(struct pending *pending, struct measurement_list *batch,
                           struct err *err);
/* The server took the batch; for some of its values it held others already, and kept or replaced
 * those. */
void pending_accepted(struct pending *pending, int64_t n_conflicts, int64_t n_replaced);
/* The server refused the batch because of its content. */
void pending_refused(struct pending *pending, const struct err *err);

/* The reported value that decides the trial's: the best one where the objective folds so and there
 * is one, else the last; step -1: nothing was reported. */
struct reported_value pending_decisive(const struct pending_objective *objective, bool *is_best);

/* Is it an objective of the trial? */
bool pending_is_objective(const struct pending *pending, const char *metric);
/* True once every objective was reported. */
/* Appends the names of the metrics that were reported, the first of them where there are many, to
 * `out`, which has room for 400 bytes. */
void pending_append_reported(const struct pending *pending, struct buf *out);
/* The objectives of which no value was, as far as they fit into 100 bytes: "accuracy, error". */
void pending_append_missing(const struct pending *pending, struct buf *out);
bool pending_is_measured(const struct pending *pending);
/* With nothing left to send: an objective whose value the server did not get, though it decides
 * the value of the trial. Appends a sentence about it; false: there is none. */
bool pending_append_lost(const struct pending *pending, struct buf *out);
/* An objective whose deciding value is NaN or infinite, with which no trial is completed: appends a
 * sentence about it; false: there is none. */
bool pending_append_not_finite(const struct pending *pending, struct buf *out);

#endif
