/* Asking for a trial: one long-poll a slot, repeated with the same request id until it is answered,
 * so that a lease whose answer was lost is found again. */
#ifndef WORKER_AGENT_LEASE_REQUEST_H
#define WORKER_AGENT_LEASE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/wire.h"
#include "worker/agent/backoff.h"
#include "worker/agent/loop.h"

struct lease_request_hooks {
    /* The grant may be moved out (zero what was taken). */
    void (*on_grant)(void *context, struct lease_grant *grant);
    void (*on_nothing)(void *context, const struct no_lease *no);
    void (*on_fatal)(void *context, const struct err *err); /* not with this token or version */
    void (*on_reach)(void *context, bool reached, const char *why);
    void *context;
};

struct lease_request {
    struct loop *loop;
    const struct lease_ask
        *offer; /* the worker's offer; the name and the request id are filled in here */
    char worker[WORKER_NAME_BYTES];
    char request_id[40];
    json_t *gpus;              /* what is offered of them; NULL: what the offer says; owned */
    char health[HEALTH_BYTES]; /* why this worker is not well; "": it is */
    char unfit[HEALTH_BYTES];  /* why nothing can run here now: the ask says so and wants nothing,
                                  naming no runner; "": it wants a trial */
    struct lease_request_hooks hooks;
    struct http_transfer *transfer; /* NULL: nothing under way */
    int64_t sent_ms;
    unsigned sent_n_tokens; /* loop.h */
    int64_t next_at_ms;
    int64_t wants_at_ms; /* until then an ask wants nothing, as an unfit one does */
    bool looks;          /* while it waits to ask, it looks now and then whether all is over */
    bool active;
    bool unanswered; /* sent under this request id */
    bool withdrawing;
    bool waits_not; /* until it is answered: that there is nothing is said at once */
    struct backoff backoff;
};

/* Asks for nothing yet. `loop`, `offer` and `worker` are borrowed. */
void lease_request_init(struct lease_request *request, struct loop *loop,
                        const struct lease_ask *offer, const char *worker,
                        const struct lease_request_hooks *hooks);
/* From now on, or after a wait, it asks whenever it is due, until a grant or lease_request_stop().
 * One that `looks` asks meanwhile too, but wants nothing. */
void lease_request_begin(struct lease_request *request, int64_t wait_ms);
/* Is the ask under way, or the next one now, for a trial? */
bool lease_request_wants(const struct lease_request *request);
/* The next ask is due now, whatever it waited for; not with one under way. */
void lease_request_hurry(struct lease_request *request);
/* Is an ask to be sent now? */
bool lease_request_is_due(const struct lease_request *request);
/* What is offered has changed: an ask that waits for its answer, or for its time, is due at once,
 * under the same id. Where the server does not answer, it goes on waiting. */
void lease_request_renew(struct lease_request *request);
/* Stops asking; what is under way is cancelled. */
void lease_request_stop(struct lease_request *request);
/* Stops asking, but leaves no lease behind: an ask that was sent and not answered is sent once
 * more, without waiting, and may still end in a grant. No other hook is called. Over when `active`
 * is false. */
void lease_request_withdraw(struct lease_request *request);
/* Sends what is due. */
void lease_request_tick(struct lease_request *request);
/* Returns the moment of the next lease_request_tick() that has something to do; INT64_MAX: none. */
int64_t lease_request_deadline(const struct lease_request *request);

#endif
