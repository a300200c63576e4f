/* Checkpoints that nobody needs any more, told to a worker that can reach them.
 *
 * A checkpoint is over when its trial has reported a newer one elsewhere, or when its trial has
 * ended in any way but `completed`. That of a completed trial, and of the study's best one, is what
 * the user trained it for and is never listed; nor is one that an open trial still names as its
 * newest, nor any of a deleted study, whose name another study may have taken.
 *
 * Each is listed by one lease: the next one of a worker on its host (any worker, where its reach is
 * `any`), and stands in that grant as often as the ask is repeated. If the answer cannot be sent,
 * or the lease runs out without a word, it goes to another. What nobody asked for in a week is
 * forgotten, and so is the oldest of more than DISCARDS_KEPT on one host. */
#ifndef SERVER_TUNING_DISCARDS_H
#define SERVER_TUNING_DISCARDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/map.h"
#include "common/wire.h"

#define DISCARDS_KEPT 10000
/* Of one grant; at least one checkpoint is listed, however long its uri. */
#define DISCARDS_LISTED 100
#define DISCARDS_LISTED_BYTES 16384

struct live_lease;
struct live_study;
struct live_trial;
struct tuning;

struct discard_queue;

struct discard {
    int64_t id; /* its row */
    int64_t study;
    int64_t at_ms;               /* wall clock */
    struct discard_queue *queue; /* its host's, also while a lease lists it */
    struct discard *next;
    char uri[]; /* ends with 0 */
};

struct discard_queue { /* of one host, oldest first */
    struct discard *first, **tail;
    size_t n;
    size_t n_listed; /* besides these: on the lists of live leases */
    char host[WORKER_NAME_BYTES];
};

struct discards {
    struct map queue_by_host;
    struct map holders_by_place; /* size_t: how many open trials name it as their newest */
};

/* ---- what a trial names ---- */

/* The trial's newest checkpoint is this one. */
MUST_USE int discards_hold(struct tuning *tuning, struct live_trial *trial,
                           const struct checkpoint *checkpoint, struct err *err);
/* The same, and the one before is over. */
MUST_USE int discards_supersede(struct tuning *tuning, struct live_trial *trial,
                                const struct checkpoint *checkpoint, struct err *err);
/* The trial is no more. */
void discards_let_go(struct tuning *tuning, struct live_trial *trial);

/* ---- what is over ---- */

/* The trial has its final state; the study's best one is known. */
MUST_USE int discards_end(struct tuning *tuning, struct live_trial *trial, struct err *err);
/* Another trial may be the study's best one now. */
MUST_USE int discards_follow_best(struct tuning *tuning, struct live_study *study, struct err *err);
/* The lease lists what waits for workers on `host` ("": not said). */
MUST_USE int discards_list(struct tuning *tuning, struct live_lease *lease, const char *host,
                           struct err *err);
/* The array of a grant; NULL where nothing is listed. The caller owns it. */
MUST_USE int discards_write(const struct live_lease *lease, char **array, struct err *err);
/* The lease is over: its worker was told, or (`received` false) somebody else must be. */
MUST_USE int discards_settle(struct tuning *tuning, struct live_lease *lease, bool received,
                             struct err *err);
/* The study is deleted. */
MUST_USE int discards_forget(struct tuning *tuning, const struct live_study *study,
                             struct err *err);
MUST_USE int discards_purge(struct tuning *tuning, int64_t before_ms, struct err *err);

/* ---- the whole ---- */
/* After the trials and their leases. */
MUST_USE int discards_load(struct tuning *tuning, struct err *err);
void discards_clear(struct tuning *tuning);
void discard_list_free(struct discard *first);

#endif
