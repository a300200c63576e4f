/* Heartbeats beside a call of the same lease that has not been answered for long. A network that
 * loses much may take the call or its answer; waiting for it alone would cost the lease. They renew
 * the lease and do nothing else. At most EXTRA_HEARTBEATS are under way, so that a server which
 * stands still is not met by many connections of each worker when it goes on. */
#ifndef WORKER_AGENT_EXTRA_HEARTBEATS_H
#define WORKER_AGENT_EXTRA_HEARTBEATS_H

#include <stdint.h>

#include "common/wire/wire.h"
#include "worker/agent/loop.h"

#define EXTRA_HEARTBEATS 3

struct extra_heartbeats {
    struct loop *loop;               /* borrowed */
    const struct lease_grant *grant; /* borrowed */
    /* One was answered: the lease was renewed by a call that was sent at `sent_ms`. */
    void (*taken)(void *context, int64_t sent_ms, const struct action_reply *reply);
    void *context;
    int64_t next_ms; /* not before */
    struct extra_call {
        struct extra_heartbeats *owner;
        struct http_transfer *transfer; /* NULL: none is under way */
        int64_t sent_ms;
    } calls[EXTRA_HEARTBEATS];
};

/* `heartbeat_ms`: how often the lease is to be renewed, a third of its time; `accepted_ms`: when
 * the last accepted call was sent. The moment of the next one. */
int64_t extra_heartbeats_due(const struct extra_heartbeats *extra, int64_t accepted_ms,
                             int64_t heartbeat_ms);
/* The call beside which they are sent leaves now: it has the time between two of them to be
 * answered. */
void extra_heartbeats_defer(struct extra_heartbeats *extra, int64_t heartbeat_ms);
/* Sends one if it is due. */
void extra_heartbeats_tick(struct extra_heartbeats *extra, int64_t accepted_ms,
                           int64_t heartbeat_ms);
/* Cancels all of them. */
void extra_heartbeats_cancel(struct extra_heartbeats *extra);

#endif
