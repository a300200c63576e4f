/* How a study is tuned: the use cases over (live state, transaction, command), one a file.
 *
 * `struct tuning` is the live state: studies that are not deleted, open trials, leases, waiting
 * asks. It belongs to one thread at a time (the writer; in tests the one thread there is), starts
 * no thread, opens no socket, reads only the clock it was given. The store is the truth:
 * tuning_load() builds the same state from it.
 *
 * One group: store_group_begin(), tuning_apply() for each command, tuning_settle() once,
 * store_group_commit(), then tuning_take_done(): the commands whose answers may leave now. A
 * command that waits (an ask) comes back with a later group. */
#ifndef SERVER_TUNING_TUNING_H
#define SERVER_TUNING_TUNING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/err.h"
#include "server/state/view.h"
#include "server/store/tokens.h"
#include "server/tuning/command.h"
#include "server/tuning/settings.h"

struct tuning;

/* Loads the live state. The store is borrowed. The errors of the store, ERR_NOMEM. */
MUST_USE int tuning_create(const struct tuning_settings *settings, struct store *store,
                           struct tuning **tuning, struct err *err);
void tuning_destroy(struct tuning *tuning);
OWN_POINTER(tuning)

/* Throws the live state away and reads it again: at start, and after a group was rolled back.
 * Waiting asks stay. */
MUST_USE int tuning_load(struct tuning *tuning, struct err *err);

/* Takes the command; decides, and writes in a savepoint of its own. What the command did wrong
 * stands in command->err and does not affect other commands. -1 only for ERR_STORAGE_FULL, ERR_IO
 * and ERR_NOMEM: the whole group must be rolled back; the command stays with tuning and is answered
 * with the others (tuning_fail_group). */
MUST_USE int tuning_apply(struct tuning *tuning, struct command *command, struct err *err);
/* After the commands of a group: expired leases, limits in seconds, waiting asks that can be
 * served now or have waited enough, counters. The same errors. */
MUST_USE int tuning_settle(struct tuning *tuning, struct err *err);
/* A command of a group that was given up before its turn: it is answered with `why`. */
void tuning_refuse(struct tuning *tuning, struct command *command, const struct err *why);
/* The group was rolled back: every command of it that is not parked is answered with `why`, its
 * outputs dropped. Call tuning_load() next. */
void tuning_fail_group(struct tuning *tuning, const struct err *why);
/* The answers of this group, in order; NULL at the end. The caller owns each. */
struct command *tuning_take_done(struct tuning *tuning);

/* The jobs that are to be run by optimiser threads: suggestion_job_run() each and bring it back as
 * the `job` of a COMMAND_SUGGESTION. NULL at the end. The caller owns it. Only after the group is
 * on disk. */
struct suggestion_job *tuning_take_job(struct tuning *tuning);

/* Monotonic moment at which tuning_settle() wants to be called next; INT64_MAX: never. After a
 * group that was undone, asks that wait are looked at so much later. */
#define TUNING_LOOK_AGAIN_MS 1000
int64_t tuning_next_ms(const struct tuning *tuning);
/* The machine stood still for that long: every lease gets it back. */
void tuning_forgive(struct tuning *tuning, int64_t stalled_ms);
/* Answers all that waits with `why`. */
void tuning_refuse_waiting(struct tuning *tuning, const struct err *why);
/* Orderly stop: grants nothing more; waiting asks are answered 503 `overloaded`. */
void tuning_stop_granting(struct tuning *tuning);

/* Is there a token with this scope bit? `usable`: only one that is neither revoked nor expired
 * counts. */
bool tuning_has_token(const struct tuning *tuning, unsigned scope, bool usable);
/* Stores a token outside of a command: before the server starts. */
MUST_USE int tuning_add_token(struct tuning *tuning, struct token_row *row, struct err *err);

/* The number of the newest event of the group. */
int64_t tuning_last_seq(const struct tuning *tuning);
/* Did the group change tokens, or the set or definition of studies? Resets the flag. */
bool tuning_tokens_changed(struct tuning *tuning);
bool tuning_studies_changed(struct tuning *tuning);
/* How many leases ran out since the last call; those of a group that was rolled back do not count.
 */
uint64_t tuning_take_expired(struct tuning *tuning);
bool tuning_is_idle(const struct tuning *tuning); /* no live lease, no waiting ask */

/* A copy of what lives only in memory. ERR_NOMEM. */
MUST_USE int tuning_view(struct tuning *tuning, struct live_view **view, struct err *err);

#endif
