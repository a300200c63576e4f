#include "worker/agent/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/log.h"

#define EVENTS_A_TURN 64

int loop_init(struct loop *loop, const struct http_client_settings *settings,
              const struct clock *clock, struct err *err)
{
    uint64_t key;

    rng_entropy(&key, sizeof key);
    *loop = (struct loop){.epoll = -1, .clock = clock, .rng = rng_seeded(key)};
    TRY(http_async_create(settings, &loop->http, err));
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    return loop->epoll < 0 ? err_set(err, ERR_IO, "no event loop: %s", strerror(errno)) : 0;
}

void loop_finish(struct loop *loop)
{
    if (loop->http != NULL) {
        http_async_destroy(loop->http);
        if (loop->epoll >= 0) {
            (void)close(loop->epoll);
        }
    }
    *loop = (struct loop){.epoll = -1};
}

int64_t loop_now(const struct loop *loop)
{
    return loop->clock->monotonic_ms(loop->clock);
}

bool loop_renew_token(struct loop *loop, unsigned n_tokens)
{
    char token[HTTP_TOKEN_BYTES] = "";
    bool changed = false;
    struct err err = {0};

    if (n_tokens != loop->n_tokens) {
        return true;
    }
    if (loop->token_file == NULL) {
        return false;
    }
    if (http_token_load(loop->token_file, token, &err) != 0
        || http_async_set_token(loop->http, token, &changed, &err) != 0) {
        log_warning("%s", err.text);
    }
    explicit_bzero(token, sizeof token);
    if (changed) {
        log_info("the server refuses the token; %s has another one by now", loop->token_file);
        loop->n_tokens++;
    }
    return changed;
}

int loop_watch(struct loop *loop, struct fd_watch *watch, int fd, void (*ready)(void *context),
               void *context, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

    *watch = (struct fd_watch){.fd = -1, .ready = ready, .context = context};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        return err_set(err, ERR_IO, "a descriptor cannot be watched: %s", strerror(errno));
    }
    watch->fd = fd;
    return 0;
}

void loop_unwatch(struct loop *loop, struct fd_watch *watch)
{
    if (watch->ready != NULL && watch->fd >= 0) {
        (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    }
    watch->fd = -1;
}

void loop_turn(struct loop *loop, int64_t until_ms)
{
    int64_t now_ms = loop_now(loop);
    struct epoll_event event;

    http_async_wait(loop->http, loop->epoll, until_ms > now_ms ? until_ms - now_ms : 0);
    /* one at a time: a callback may drop the watch of another */
    for (int i = 0; i < EVENTS_A_TURN && epoll_wait(loop->epoll, &event, 1, 0) == 1; i++) {
        const struct fd_watch *watch = event.data.ptr;
        watch->ready(watch->context);
    }
}
