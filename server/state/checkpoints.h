/* Checkpoints: which one a trial names as its newest, and which are obsolete.
 *
 * A checkpoint is obsolete when its trial has reported a newer one elsewhere, or when its trial has
 * ended in any way but `completed`. That of a completed trial, and of the study's best one, is what
 * the user trained it for and is never listed; nor is one that an open trial still names as its
 * newest, nor any of a deleted study, whose name another study may have taken.
 *
 * One that was uploaded to this server is never listed: its file goes by itself (api/keep_files).
 * Each other obsolete one is listed by one lease: the next one of a worker on its host (any worker,
 * where its reach is `any`), and stands in that grant as often as the ask is repeated. If the
 * answer cannot be sent, or the lease runs out without a call, it goes to another lease. What no
 * worker asked for in a week is forgotten, and so is the oldest of more than OBSOLETE_KEPT on one
 * host. */
#ifndef SERVER_STATE_CHECKPOINTS_H
#define SERVER_STATE_CHECKPOINTS_H

#include "server/state/state.h"

#define OBSOLETE_KEPT 10000
/* Of one grant; at least one checkpoint is listed, however long its uri. */
#define OBSOLETE_LISTED 100
#define OBSOLETE_LISTED_BYTES 16384

struct obsolete_queue { /* of one host, oldest first */
    struct obsolete_checkpoint *first, **tail;
    size_t n;
    size_t n_listed; /* besides these: on the lists of live leases */
    char host[WORKER_NAME_BYTES];
};

struct obsolete_checkpoint {
    int64_t id; /* its row */
    int64_t study;
    int64_t at_ms;                /* wall clock */
    struct obsolete_queue *queue; /* its host's, also while a lease lists it */
    struct obsolete_checkpoint *next;
    char uri[]; /* ends with 0 */
};

/* ---- what a trial names ---- */

/* The trial's newest checkpoint is this one. ERR_NOMEM. */
MUST_USE int checkpoint_hold(struct state *state, struct live_trial *trial,
                             const struct checkpoint *checkpoint, struct err *err);
/* The same, and the one before is obsolete. */
MUST_USE int checkpoint_supersede(struct state *state, struct live_trial *trial,
                                  const struct checkpoint *checkpoint, struct err *err);
/* The trial names none any more. */
void checkpoint_let_go(struct state *state, struct live_trial *trial);

/* ---- what is obsolete ---- */

/* The trial has its final state; the study's best one is known. */
MUST_USE int checkpoint_end(struct state *state, struct live_trial *trial, struct err *err);
/* Another trial may be the study's best one now. */
MUST_USE int checkpoint_follow_best(struct state *state, struct live_study *study, struct err *err);
/* The lease lists what waits for workers on `host` ("": not said). */
MUST_USE int obsolete_list(struct state *state, struct live_lease *lease, const char *host,
                           struct err *err);
/* The array of a grant; NULL where nothing is listed. The caller owns it. */
MUST_USE int obsolete_write(const struct live_lease *lease, char **array, struct err *err);
/* The lease is over: its worker received the list, or (`received` false) another one must. */
MUST_USE int obsolete_settle(struct state *state, struct live_lease *lease, bool received,
                             struct err *err);
/* The study is deleted. */
MUST_USE int obsolete_forget(struct state *state, const struct live_study *study, struct err *err);
/* Forgets what was obsolete before this moment (wall clock). */
MUST_USE int obsolete_purge(struct state *state, int64_t before_ms, struct err *err);

/* ---- the whole ---- */
/* Reads the store; after the trials and their leases. */
MUST_USE int obsolete_load(struct state *state, struct err *err);
/* Frees the queues of all hosts. */
void obsolete_clear(struct state *state);
/* Frees a list; NULL is an empty one. */
void obsolete_list_free(struct obsolete_checkpoint *first);

#endif
