/* What the engine is made of, and where it hands back what it has done. */
#ifndef SERVER_ENGINE_SETTINGS_H
#define SERVER_ENGINE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "server/store/tokens.h"
#include "server/tuning/command.h"

struct engine_settings {
    const struct clock *clock;
    double clock_scale;    /* 1; how much faster than the machine's the clock runs (tests) */
    const char *directory; /* the data directory; NULL: in memory, nothing survives */
    bool accept_loss;      /* store_settings has it */
    int64_t keep_event_days, keep_audit_days; /* tuning_settings has them */
    const char *backup_directory;             /* where backups go; NULL: none are made */
    size_t group_max;                         /* commands in a group; 0: no bound but the queue's */
    size_t n_readers;                         /* 0: 2 */
    int64_t idle_exit_ms; /* 0: never; else on_idle after that long without work */
    void *context;
    /* Writer thread, after the group is on disk: the commands whose answers may leave. Takes them;
     * frees with command_destroy(). */
    void (*deliver)(void *context, struct command *const commands[], size_t n);
    /* Writer thread, inside the transaction: the reply that is kept with an Idempotency-Key; false:
     * none is kept. NULL: none at all. */
    bool (*render)(const struct command *command, int64_t *status, struct buf *text);
    /* Writer thread, before the answers of the group that changed them leave. */
    void (*tokens)(void *context, const struct token_row tokens[], size_t n);
    /* Writer thread: takes those uses of tokens that were not taken yet, at most `max`; returns how
     * many. NULL: they are not kept. */
    size_t (*token_uses)(void *context, struct token_use uses[], size_t max);
    /* Writer thread: the uses that were taken of late are not kept; they are taken again. */
    void (*token_uses_again)(void *context);
    int64_t token_uses_every_ms; /* 0: 600,000 */
    /* Writer thread: events were written up to this number. */
    void (*events)(void *context, int64_t last_seq);
    void (*on_idle)(void *context);
};

#endif
