/* Many calls to one server at once, on one thread, for the agent's loop.
 *
 * The owner's loop is http_async_wait(): it moves the transfers along, calls `done` of each that
 * ended, and returns when `fd` is readable or the time is over. Nothing happens outside of it.
 * The same limits as in client.h; connections are kept and shared by all calls. */
#ifndef COMMON_HTTP_ASYNC_H
#define COMMON_HTTP_ASYNC_H

#include "common/http/client.h"

struct http_async;
struct http_transfer;

/* `rc` as from http_client_call(); `answer` is NULL unless it is 0. Both borrowed. It may start and
 * cancel other transfers; its own is gone already. */
typedef void http_done(void *context, int rc, const struct http_answer *answer,
                       const struct err *err);

/* ERR_INVALID: the URL or token cannot be used, and why; ERR_IO, ERR_NOMEM. Connects nowhere yet.
 */
MUST_USE int http_async_create(const struct http_client_settings *settings,
                               struct http_async **async, struct err *err);
/* Cancels what is under way; calls no `done`. */
void http_async_destroy(struct http_async *async);
OWN_POINTER(http_async)
/* Returns the URL as given, without a trailing slash. */
const char *http_async_url(const struct http_async *async);

/* Calls that are started from now on have this token; *changed: it is another one than before.
 * ERR_INVALID: it cannot be used; ERR_NOMEM; the old one is kept. */
MUST_USE int http_async_set_token(struct http_async *async, const char *token, bool *changed,
                                  struct err *err);

/* Copies the body. Either `done` runs later, once, or -1 is returned now. */
MUST_USE int http_async_start(struct http_async *async, const struct http_call *call,
                              http_done *done, void *context, struct http_transfer **transfer,
                              struct err *err);
/* `done` will not be called; the connection is closed, so the server sees the caller hang up. */
void http_async_cancel(struct http_transfer *transfer);

/* Waits at most timeout_ms (negative: a minute) for transfers or for `fd` (-1: none). */
void http_async_wait(struct http_async *async, int fd, int64_t timeout_ms);

#endif
