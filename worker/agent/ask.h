/* Asking for a trial: one long-poll a slot, repeated with the same request id until it is answered,
 * so that a lease whose answer was lost is found again. */
#ifndef WORKER_AGENT_ASK_H
#define WORKER_AGENT_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/wire.h"
#include "worker/agent/backoff.h"
#include "worker/agent/loop.h"

struct ask_hooks {
    /* The grant may be moved out (zero what was taken). */
    void (*on_grant)(void *context, struct lease_grant *grant);
    void (*on_nothing)(void *context, const struct no_lease *no);
    void (*on_fatal)(void *context, const struct err *err); /* not with this token or version */
    void (*on_reach)(void *context, bool reached, const char *why);
    void *context;
};

struct ask {
    struct loop *loop;
    const struct lease_ask *facts; /* who asks and for what; worker and request id are ours */
    char worker[WORKER_NAME_BYTES];
    char request_id[40];
    struct ask_hooks hooks;
    struct http_transfer *transfer; /* NULL: nothing under way */
    int64_t sent_ms;
    int64_t next_at_ms;
    bool active;
    bool unanswered; /* sent under this request id */
    bool withdrawing;
    struct backoff backoff;
};

void ask_init(struct ask *ask, struct loop *loop, const struct lease_ask *facts, const char *worker,
              const struct ask_hooks *hooks);
/* From now on it asks whenever it is due, until a grant or ask_stop(). */
void ask_begin(struct ask *ask);
void ask_stop(struct ask *ask);
/* Stops asking, but leaves no lease behind: an ask that was sent and not answered is sent once
 * more, without waiting, and may still end in a grant. No other hook is called. Over when `active`
 * is false. */
void ask_withdraw(struct ask *ask);
void ask_tick(struct ask *ask);
int64_t ask_deadline(const struct ask *ask);

#endif
