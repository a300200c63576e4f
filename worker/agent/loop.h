/* What every part of the agent shares: the loop with its descriptors, time, random numbers, the
 * server. */
#ifndef WORKER_AGENT_LOOP_H
#define WORKER_AGENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/http/async.h"
#include "common/rng.h"

struct loop {
    int epoll;
    struct http_async *http; /* owned */
    const struct clock *clock;
    struct rng rng;
    int64_t backoff_ms;     /* the base of every retry */
    const char *token_file; /* borrowed; NULL: the token is not read again */
    unsigned n_tokens;      /* counts them */
};

/* Called while `fd` is readable or hung up. */
struct fd_watch {
    int fd; /* -1: not watched */
    void (*ready)(void *context);
    void *context;
};

/* ERR_INVALID: the URL or token of the settings; ERR_IO: no epoll descriptor. */
MUST_USE int loop_init(struct loop *loop, const struct http_client_settings *settings,
                       const struct clock *clock, struct err *err);
void loop_finish(struct loop *loop);
/* Returns the monotonic time in milliseconds. */
int64_t loop_now(const struct loop *loop);

/* The server refused the token of a call that was started when `n_tokens` was so. Reads the token
 * file again; true: there is another token by now, so the call is worth another try. */
bool loop_renew_token(struct loop *loop, unsigned n_tokens);

/* The watch stays where it is until it is dropped, before its descriptor is closed. */
MUST_USE int loop_watch(struct loop *loop, struct fd_watch *watch, int fd,
                        void (*ready)(void *context), void *context, struct err *err);
/* Takes a watch out of the loop. */
void loop_unwatch(struct loop *loop, struct fd_watch *watch);

/* Waits until a descriptor, a transfer or the moment `until_ms` is due; calls the functions of the
 * watches and transfers that are ready. */
void loop_turn(struct loop *loop, int64_t until_ms);

#endif
