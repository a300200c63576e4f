#include "common/http/async.h"

#include <stdlib.h>
#include <string.h>

#include "common/http/exchange.h"

struct http_transfer {
    struct http_async *async;
    struct http_exchange exchange;
    char *body; /* the copy that the exchange sends */
    http_done *done;
    void *context;
    struct http_transfer *prev, *next;
};

struct http_async {
    struct http_target target;
    CURLM *multi;
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
    made->multi = curl_multi_init();
    if (made->multi == NULL) {
        return err_set(err, ERR_NOMEM, "libcurl cannot start");
    }
    *async = made;
    made = NULL;
    return 0;
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

static int prepare(struct http_transfer *transfer, const struct http_call *call, struct err *err)
{
    struct http_call copy = *call;
    CURL *easy = curl_easy_init();

    if (easy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (call->body != NULL) {
        transfer->body = malloc(call->body_len + 1);
        if (transfer->body == NULL) {
            curl_easy_cleanup(easy);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        memcpy(transfer->body, call->body, call->body_len);
        transfer->body[call->body_len] = '\0';
        copy.body = transfer->body;
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
    if (prepare(made, call, err) != 0) {
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

static void conclude(struct http_transfer *transfer, CURLcode code)
{
    struct err err = {0};
    int rc = http_exchange_end(&transfer->exchange, &transfer->async->target, code, &err);

    unlink_transfer(transfer);
    transfer->done(transfer->context, rc, rc == 0 ? &transfer->exchange.answer : NULL, &err);
    release(transfer);
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
    return any;
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
