/* What tuning is given from outside: time, chance, and how long things may take. */
#ifndef SERVER_TUNING_SETTINGS_H
#define SERVER_TUNING_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"

struct buf;
struct command;
struct histogram;

struct tuning_settings {
    const struct clock *clock;
    /* Fills secrets and fresh seeds; rng_entropy in the server, a seeded stream in tests. */
    void (*entropy)(void *context, void *bytes, size_t len);
    void *entropy_context;
    /* Writes the reply that is kept with an Idempotency-Key; false: none is kept for this kind of
     * command. Runs inside the transaction. NULL: none is kept. */
    bool (*render)(const struct command *command, int64_t *status, struct buf *text);
    int64_t suggestion_timeout_ms; /* how long an ask waits for a suggestion to be made: 2,000 */
    struct histogram *suggest_durations; /* of suggestions that need no thread; NULL: not kept */
    int64_t keep_event_days;             /* events of no study that is there; 0: 400 */
    int64_t keep_audit_days;             /* 0: 400 */
    int64_t start_grace_ms; /* every lease lives at least this long after a start: 120,000 */
};

#endif
