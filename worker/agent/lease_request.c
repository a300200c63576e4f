#include "worker/agent/lease_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/agent/answer_class.h"

#define ANSWER_MARGIN_MS 15000 /* on top of what the server was asked to wait */
#define WITHDRAW_MS 2000       /* for an ask whose answer is of no use but to hand it back */
#define NEXT_LEAST_MS 100
#define NEXT_MOST_SECONDS 60
#define LOOK_EVERY_MS 10000

void lease_request_init(struct lease_request *request, struct loop *loop,
                        const struct lease_ask *offer, const char *worker,
                        const struct lease_request_hooks *hooks)
{
    *request = (struct lease_request){.loop = loop, .offer = offer, .hooks = *hooks};
    (void)snprintf(request->worker, sizeof request->worker, "%s", worker);
    request->backoff.base_ms = loop->backoff_ms;
}

static void new_request_id(struct lease_request *request)
{
    (void)snprintf(request->request_id, sizeof request->request_id, "%016" PRIx64 "%016" PRIx64,
                   rng_next(&request->loop->rng), rng_next(&request->loop->rng));
    request->unanswered = false;
}

void lease_request_begin(struct lease_request *request, int64_t wait_ms)
{
    new_request_id(request);
    request->active = true;
    request->withdrawing = false;
    request->wants_at_ms = loop_now(request->loop) + wait_ms;
    request->next_at_ms = request->looks ? loop_now(request->loop) : request->wants_at_ms;
    backoff_reset(&request->backoff);
}

bool lease_request_wants(const struct lease_request *request)
{
    return request->unfit[0] == '\0' && request->sent_ms >= request->wants_at_ms;
}

void lease_request_hurry(struct lease_request *request)
{
    if (request->active && request->transfer == NULL) {
        request->next_at_ms = loop_now(request->loop);
    }
}

void lease_request_stop(struct lease_request *request)
{
    http_async_cancel(request->transfer);
    request->transfer = NULL;
    request->active = false;
    json_decref(request->gpus);
    request->gpus = NULL;
}

void lease_request_renew(struct lease_request *request)
{
    if (!request->active || request->withdrawing || request->backoff.failures > 0) {
        return;
    }
    http_async_cancel(request->transfer);
    request->transfer = NULL;
    request->next_at_ms = 0;
}

void lease_request_withdraw(struct lease_request *request)
{
    if (!request->active || request->withdrawing) {
        return;
    }
    http_async_cancel(request->transfer);
    request->transfer = NULL;
    request->active = request->unanswered;
    request->withdrawing = true;
    request->next_at_ms = 0;
}

/* ---- answers ---- */

static void try_again(struct lease_request *request, double retry_after_seconds, const char *why)
{
    request->next_at_ms =
        loop_now(request->loop)
        + backoff_next(&request->backoff, &request->loop->rng, retry_after_seconds);
    request->hooks.on_reach(request->hooks.context, false, why);
}

/* It was granted once, and that lease has ended without us: another one may be had at once. A
 * server that says so of the next id too is not asked without a pause. */
static void ask_anew(struct lease_request *request, double retry_after_seconds, const char *why)
{
    new_request_id(request);
    if (request->backoff.failures > 0) {
        try_again(request, retry_after_seconds, why);
        return;
    }
    request->backoff.failures = 1;
    request->next_at_ms = 0;
}

/* When it looks again, or asks for a trial. */
static int64_t next_look_ms(const struct lease_request *request, int64_t now_ms)
{
    int64_t look_at_ms = now_ms + LOOK_EVERY_MS;

    return look_at_ms < request->wants_at_ms ? look_at_ms : request->wants_at_ms;
}

/* A long-poll that was held to its end has waited already; a quick "no" is worth what it says,
 * with jitter so that a thousand workers do not return together. */
static void take_nothing(struct lease_request *request, const struct no_lease *no)
{
    int64_t now_ms = loop_now(request->loop);
    double seconds =
        no->retry_after_seconds < NEXT_MOST_SECONDS ? no->retry_after_seconds : NEXT_MOST_SECONDS;
    int64_t wait_ms = seconds > 0 ? (int64_t)(seconds * 1000) : 0;
    double held = (double)(now_ms - request->sent_ms);

    if (request->unfit[0] != '\0') {
        wait_ms = 0; /* who says so decides when it is said again */
    } else if (request->waits_not) {
        wait_ms = 0; /* the next one is a long poll */
    } else if (request->offer->wait_seconds > 0 && held >= request->offer->wait_seconds * 900) {
        wait_ms = 0;
    } else {
        wait_ms = wait_ms < NEXT_LEAST_MS ? NEXT_LEAST_MS : wait_ms;
        wait_ms = wait_ms / 2 + (int64_t)rng_below(&request->loop->rng, (uint64_t)wait_ms + 1);
    }
    request->waits_not = false;
    request->next_at_ms =
        now_ms < request->wants_at_ms ? next_look_ms(request, now_ms) : now_ms + wait_ms;
    new_request_id(request); /* a null answer is not remembered */
    request->hooks.on_nothing(request->hooks.context, no);
}

static void take_reply(struct lease_request *request, struct reply *reply)
{
    backoff_reset(&request->backoff);
    request->hooks.on_reach(request->hooks.context, true, "");
    if (reply->granted) {
        request->active = false;
        request->waits_not = false;
        request->hooks.on_grant(request->hooks.context, &reply->grant);
    } else {
        take_nothing(request, &reply->no);
    }
}

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err)
{
    struct lease_request *request = context;
    struct err problem = *err;
    OWN(reply) struct reply reply;

    request->transfer = NULL;
    enum answer_class class = answer_class_of(CALL_ASK, 0, rc, answer, &reply, &problem);
    if (problem.code == ERR_UNAUTHORIZED
        && loop_renew_token(request->loop, request->sent_n_tokens)) {
        request->next_at_ms = 0;
        return;
    }
    if (request->withdrawing && !reply.granted) {
        request->active = false;
        return;
    }
    switch (class) {
    case ANSWER_CLASS_TAKEN:
        take_reply(request, &reply);
        break;
    case ANSWER_CLASS_LOST:
        ask_anew(request, reply.retry_after_seconds, problem.text);
        break;
    case ANSWER_CLASS_FATAL:
    case ANSWER_CLASS_REFUSED:
        request->active = false;
        request->hooks.on_fatal(request->hooks.context, &problem);
        break;
    case ANSWER_CLASS_RETRY:
    default:
        try_again(request, reply.retry_after_seconds, problem.text);
    }
}

/* ---- asking ---- */

static void want_nothing(const struct lease_request *request, struct lease_ask *message)
{
    if (lease_request_wants(request)) {
        return;
    }
    if (request->unfit[0] != '\0') {
        memcpy(message->health, request->unfit, sizeof message->health);
    }
    message->wait_seconds = 0;
    message->has_runners = true;
    message->n_runners = 0;
}

static int send_ask(struct lease_request *request, struct err *err)
{
    OWN(buf) struct buf body;
    struct json_writer w;
    struct lease_ask message = *request->offer; /* its lists are borrowed, so it is not finished */

    buf_init(&body, (size_t)1 << 20);
    json_writer_init(&w, &body);
    memcpy(message.worker, request->worker, sizeof message.worker);
    (void)snprintf(message.request_id, sizeof message.request_id, "%s", request->request_id);
    memcpy(message.health, request->health, sizeof message.health);
    message.gpus = request->gpus != NULL ? request->gpus : message.gpus;
    message.wait_seconds = request->withdrawing || request->waits_not ? 0 : message.wait_seconds;
    want_nothing(request, &message);
    lease_ask_write(&message, &w);
    TRY(buf_check(&body, err));
    struct http_call call = {.method = "POST",
                             .path = "/v1/leases",
                             .body = body.data,
                             .body_len = body.len,
                             .timeout_ms =
                                 request->withdrawing
                                     ? WITHDRAW_MS
                                     : (int64_t)(message.wait_seconds * 1000) + ANSWER_MARGIN_MS};
    request->unanswered = true;
    return http_async_start(request->loop->http, &call, on_answer, request, &request->transfer,
                            err);
}

bool lease_request_is_due(const struct lease_request *request)
{
    return request->active && request->transfer == NULL
           && loop_now(request->loop) >= request->next_at_ms;
}

void lease_request_tick(struct lease_request *request)
{
    struct err err = {0};

    if (!lease_request_is_due(request)) {
        return;
    }
    request->sent_ms = loop_now(request->loop);
    request->sent_n_tokens = request->loop->n_tokens;
    if (send_ask(request, &err) != 0) {
        request->active = !request->withdrawing;
        try_again(request, -1, err.text);
    }
}

int64_t lease_request_deadline(const struct lease_request *request)
{
    return request->active && request->transfer == NULL ? request->next_at_ms : INT64_MAX;
}
