#include "worker/agent/ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/agent/verdict.h"

#define ANSWER_MARGIN_MS 15000 /* on top of what the server was asked to wait */
#define WITHDRAW_MS 2000       /* for an ask whose answer is of no use but to hand it back */
#define NEXT_LEAST_MS 100
#define NEXT_MOST_SECONDS 60

void ask_init(struct ask *ask, struct loop *loop, const struct lease_ask *facts, const char *worker,
              const struct ask_hooks *hooks)
{
    *ask = (struct ask){.loop = loop, .facts = facts, .hooks = *hooks};
    (void)snprintf(ask->worker, sizeof ask->worker, "%s", worker);
    ask->backoff.base_ms = loop->backoff_ms;
}

static void new_request_id(struct ask *ask)
{
    (void)snprintf(ask->request_id, sizeof ask->request_id, "%016" PRIx64 "%016" PRIx64,
                   rng_next(&ask->loop->rng), rng_next(&ask->loop->rng));
    ask->unanswered = false;
}

void ask_begin(struct ask *ask)
{
    new_request_id(ask);
    ask->active = true;
    ask->withdrawing = false;
    ask->next_at_ms = 0;
    backoff_reset(&ask->backoff);
}

void ask_stop(struct ask *ask)
{
    http_async_cancel(ask->transfer);
    ask->transfer = NULL;
    ask->active = false;
}

void ask_withdraw(struct ask *ask)
{
    if (!ask->active || ask->withdrawing) {
        return;
    }
    http_async_cancel(ask->transfer);
    ask->transfer = NULL;
    ask->active = ask->unanswered;
    ask->withdrawing = true;
    ask->next_at_ms = 0;
}

/* ---- answers ---- */

static void try_again(struct ask *ask, double retry_after_seconds, const char *why)
{
    ask->next_at_ms =
        loop_now(ask->loop) + backoff_next(&ask->backoff, &ask->loop->rng, retry_after_seconds);
    ask->hooks.on_reach(ask->hooks.context, false, why);
}

/* A long-poll that was held to its end has waited already; a quick "no" is worth what it says,
 * with jitter so that a thousand workers do not return together. */
static void take_nothing(struct ask *ask, const struct no_lease *no)
{
    int64_t now_ms = loop_now(ask->loop);
    double seconds =
        no->retry_after_seconds < NEXT_MOST_SECONDS ? no->retry_after_seconds : NEXT_MOST_SECONDS;
    int64_t wait_ms = seconds > 0 ? (int64_t)(seconds * 1000) : 0;
    double held = (double)(now_ms - ask->sent_ms);

    if (ask->facts->wait_seconds > 0 && held >= ask->facts->wait_seconds * 900) {
        wait_ms = 0;
    } else {
        wait_ms = wait_ms < NEXT_LEAST_MS ? NEXT_LEAST_MS : wait_ms;
        wait_ms = wait_ms / 2 + (int64_t)rng_below(&ask->loop->rng, (uint64_t)wait_ms + 1);
    }
    ask->next_at_ms = now_ms + wait_ms;
    new_request_id(ask); /* a null answer is not remembered */
    ask->hooks.on_nothing(ask->hooks.context, no);
}

static void take_reply(struct ask *ask, struct reply *reply)
{
    backoff_reset(&ask->backoff);
    ask->hooks.on_reach(ask->hooks.context, true, "");
    if (reply->granted) {
        ask->active = false;
        ask->hooks.on_grant(ask->hooks.context, &reply->grant);
    } else {
        take_nothing(ask, &reply->no);
    }
}

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err)
{
    struct ask *ask = context;
    struct err problem = *err;
    OWN(reply) struct reply reply;

    ask->transfer = NULL;
    enum verdict verdict = verdict_of(CALL_ASK, rc, answer, &reply, &problem);
    if (ask->withdrawing && !reply.granted) {
        ask->active = false;
        return;
    }
    switch (verdict) {
    case VERDICT_TAKEN:
        take_reply(ask, &reply);
        break;
    case VERDICT_LOST: /* it was granted once, and that lease has ended without us */
        new_request_id(ask);
        ask->next_at_ms = 0;
        break;
    case VERDICT_FATAL:
    case VERDICT_REFUSED:
        ask->active = false;
        ask->hooks.on_fatal(ask->hooks.context, &problem);
        break;
    case VERDICT_RETRY:
    default:
        try_again(ask, reply.retry_after_seconds, problem.text);
    }
}

/* ---- asking ---- */

static int send_ask(struct ask *ask, struct err *err)
{
    OWN(buf) struct buf body;
    struct json_writer w;
    struct lease_ask message = *ask->facts; /* its lists are borrowed, so it is not finished */

    buf_init(&body, (size_t)1 << 20);
    json_writer_init(&w, &body);
    memcpy(message.worker, ask->worker, sizeof message.worker);
    (void)snprintf(message.request_id, sizeof message.request_id, "%s", ask->request_id);
    message.wait_seconds = ask->withdrawing ? 0 : message.wait_seconds;
    lease_ask_write(&message, &w);
    TRY(buf_check(&body, err));
    struct http_call call = {.method = "POST",
                             .path = "/v1/leases",
                             .body = body.data,
                             .body_len = body.len,
                             .timeout_ms = ask->withdrawing ? WITHDRAW_MS
                                                            : (int64_t)(message.wait_seconds * 1000)
                                                                  + ANSWER_MARGIN_MS};
    ask->unanswered = true;
    return http_async_start(ask->loop->http, &call, on_answer, ask, &ask->transfer, err);
}

void ask_tick(struct ask *ask)
{
    struct err err = {0};
    int64_t now_ms = loop_now(ask->loop);

    if (!ask->active || ask->transfer != NULL || now_ms < ask->next_at_ms) {
        return;
    }
    ask->sent_ms = now_ms;
    if (send_ask(ask, &err) != 0) {
        ask->active = !ask->withdrawing;
        try_again(ask, -1, err.text);
    }
}

int64_t ask_deadline(const struct ask *ask)
{
    return ask->active && ask->transfer == NULL ? ask->next_at_ms : INT64_MAX;
}
