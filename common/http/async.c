#include "common/http/async.h"

#include <stdlib.h>
#include <string.h>

#include "common/http/exchange.h"
#include "common/http/responder.h"

struct http_transfer {
    struct http_async *async;
    struct http_exchange exchange;
    char *body; /* the copy that the exchange sends */
    char *path; /* for the responder; NULL: libcurl has it */
    http_done *done;
    void *context;
    struct http_transfer *prev, *next;
};

struct http_async {
    struct http_target target;
    CURLM *multi;
    const struct http_responder *responder; /* NULL: none */
    struct http_transfer *first;
};

int http_async_create(const struct http_client_settings *settings, struct http_async **async,
                      struct err *err)
{
    OWN(http_async) struct http_async *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(http_target_init(&made->target, settings, err));
    made->responder = settings->responder;
    made->multi = curl_multi_init();
    if (made->multi == NULL) {
        return err_set(err, ERR_NOMEM, "libcurl cannot start");
    }
    *async = made;
    made = NULL;
    return 0;
}

int http_async_set_token(struct http_async *async, const char *token, bool *changed,
                         struct err *err)
{
    return http_target_set_token(&async->target, token, changed, err);
}

static void unlink_transfer(struct http_transfer *transfer)
{
    struct http_async *async = transfer->async;

    if (transfer->prev != NULL) {
        transfer->prev->next = transfer->next;
    } else {
        async->first = transfer->next;
    }
    if (transfer->next != NULL) {
        transfer->next->prev = transfer->prev;
    }
}

static void release(struct http_transfer *transfer)
{
    if (transfer->exchange.easy != NULL) {
        (void)curl_multi_remove_handle(transfer->async->multi, transfer->exchange.easy);
        curl_easy_cleanup(transfer->exchange.easy);
    }
    http_exchange_finish(&transfer->exchange);
    free(transfer->body);
    free(transfer->path);
    free(transfer);
}

void http_async_cancel(struct http_transfer *transfer)
{
    if (transfer != NULL) {
        unlink_transfer(transfer);
        release(transfer);
    }
}

void http_async_destroy(struct http_async *async)
{
    if (async != NULL) {
        while (async->first != NULL) {
            http_async_cancel(async->first);
        }
        (void)curl_multi_cleanup(async->multi);
        http_target_finish(&async->target);
        free(async);
    }
}

const char *http_async_url(const struct http_async *async)
{
    return async->target.url;
}

static int copy_body(struct http_transfer *transfer, struct http_call *call, struct err *err)
{
    if (call->body == NULL) {
        return 0;
    }
    transfer->body = malloc(call->body_len + 1);
    if (transfer->body == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(transfer->body, call->body, call->body_len);
    transfer->body[call->body_len] = '\0';
    call->body = transfer->body;
    return 0;
}

/* The responder is asked by http_async_wait(), as an answer would come. */
static int prepare_local(struct http_transfer *transfer, const struct http_call *call,
                         struct err *err)
{
    transfer->exchange.call = *call;
    TRY(copy_body(transfer, &transfer->exchange.call, err));
    transfer->path = strdup(call->path);
    transfer->exchange.call.path = transfer->path;
    buf_init(&transfer->exchange.answer.body, HTTP_ANSWER_BYTES);
    transfer->exchange.answer.retry_after_seconds = -1;
    return transfer->path == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static int prepare(struct http_transfer *transfer, const struct http_call *call, struct err *err)
{
    struct http_call copy = *call;

    TRY(copy_body(transfer, &copy, err));
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(http_exchange_init(&transfer->exchange, easy, &transfer->async->target, &copy, err));
    if (curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) != CURLE_OK
        || curl_multi_add_handle(transfer->async->multi, easy) != CURLM_OK) {
        return err_set(err, ERR_NOMEM, "libcurl refuses the call");
    }
    return 0;
}

int http_async_start(struct http_async *async, const struct http_call *call, http_done *done,
                     void *context, struct http_transfer **transfer, struct err *err)
{
    struct http_transfer *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->async = async;
    made->done = done;
    made->context = context;
    int rc = async->responder == NULL ? prepare(made, call, err) : prepare_local(made, call, err);
    if (rc != 0) {
        release(made);
        return -1;
    }
    made->next = async->first;
    if (async->first != NULL) {
        async->first->prev = made;
    }
    async->first = made;
    *transfer = made;
    return 0;
}

static void tell(struct http_transfer *transfer, int rc, const struct err *err)
{
    unlink_transfer(transfer);
    transfer->done(transfer->context, rc, rc == 0 ? &transfer->exchange.answer : NULL, err);
    release(transfer);
}

static void conclude(struct http_transfer *transfer, CURLcode code)
{
    struct err err = {0};
    int rc = http_exchange_end(&transfer->exchange, &transfer->async->target, code, &err);

    tell(transfer, rc, &err);
}

/* The oldest call, which stands last, is answered by the responder. */
static bool respond_next(struct http_async *async)
{
    const struct http_responder *responder = async->responder;
    struct http_transfer *oldest = async->first;
    struct err err = {0};

    if (responder == NULL || oldest == NULL) {
        return false;
    }
    while (oldest->next != NULL) {
        oldest = oldest->next;
    }
    int rc = responder->respond(responder->context, &oldest->exchange.call,
                                &oldest->exchange.answer, &err);
    tell(oldest, rc, &err);
    return true;
}

/* One result at a time: `done` may cancel others, which takes theirs out of curl's queue. */
static bool conclude_next(struct http_async *async)
{
    int left = 0;
    CURLMsg *message = curl_multi_info_read(async->multi, &left);
    struct http_transfer *transfer = NULL;

    if (message == NULL) {
        return false;
    }
    CURLcode code = message->data.result;
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
    if (message->msg == CURLMSG_DONE && transfer != NULL) {
        conclude(transfer, code);
    }
    return true;
}

static bool advance(struct http_async *async)
{
    int running = 0;
    bool any = false;

    (void)curl_multi_perform(async->multi, &running);
    while (conclude_next(async)) {
        any = true;
    }
    return respond_next(async) || any;
}

void http_async_wait(struct http_async *async, int fd, int64_t timeout_ms)
{
    struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
    int wait_ms = timeout_ms < 0 || timeout_ms > 60000 ? 60000 : (int)timeout_ms;

    if (!advance(async)) { /* a result may have changed what the caller waits for */
        (void)curl_multi_poll(async->multi, &extra, fd >= 0 ? 1 : 0, wait_ms, NULL);
        (void)advance(async);
    }
}
