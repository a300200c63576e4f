#include "worker/agent/extra_heartbeats.h"

#include "common/http/client.h"
#include "worker/agent/answer_class.h"

#define APART_LEAST_MS 2000
#define CALL_LEAST_MS 5000

/* From the middle of the lease's time on. */
int64_t extra_heartbeats_due(const struct extra_heartbeats *extra, int64_t accepted_ms,
                             int64_t heartbeat_ms)
{
    int64_t middle_ms = accepted_ms + heartbeat_ms * 3 / 2;
    bool all_under_way = true;

    for (size_t i = 0; i < EXTRA_HEARTBEATS; i++) {
        all_under_way = all_under_way && extra->calls[i].transfer != NULL;
    }
    if (all_under_way) {
        return INT64_MAX; /* until one of them has ended */
    }
    return middle_ms > extra->next_ms ? middle_ms : extra->next_ms;
}

static int64_t apart_ms(int64_t heartbeat_ms)
{
    return heartbeat_ms / 6 > APART_LEAST_MS ? heartbeat_ms / 6 : APART_LEAST_MS;
}

void extra_heartbeats_defer(struct extra_heartbeats *extra, int64_t heartbeat_ms)
{
    extra->next_ms = loop_now(extra->loop) + apart_ms(heartbeat_ms);
}

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err)
{
    struct extra_call *call = context;
    struct extra_heartbeats *extra = call->owner;
    struct err problem = *err;
    OWN(reply) struct reply reply;

    call->transfer = NULL;
    if (answer_class_of(CALL_HEARTBEAT, extra->grant->digits, rc, answer, &reply, &problem)
        == ANSWER_CLASS_TAKEN) {
        extra->taken(extra->context, call->sent_ms, &reply.action);
    } /* whatever else it was: the call beside it is told so, too */
}

static int start_call(struct extra_call *call, int64_t heartbeat_ms, struct err *err)
{
    struct extra_heartbeats *extra = call->owner;
    OWN(buf) struct buf path;
    struct http_call http = {.method = "PUT", .timeout_ms = heartbeat_ms / 2};

    if (http.timeout_ms < CALL_LEAST_MS) {
        http.timeout_ms = CALL_LEAST_MS;
    }
    buf_init(&path, 256);
    buf_puts(&path, "/v1/leases/");
    http_escape(&path, extra->grant->id);
    TRY(buf_check(&path, err));
    http.path = buf_text(&path);
    TRY(http_async_start(extra->loop->http, &http, on_answer, call, &call->transfer, err));
    call->sent_ms = loop_now(extra->loop);
    return 0;
}

void extra_heartbeats_tick(struct extra_heartbeats *extra, int64_t accepted_ms,
                           int64_t heartbeat_ms)
{
    struct err err;

    if (loop_now(extra->loop) < extra_heartbeats_due(extra, accepted_ms, heartbeat_ms)) {
        return;
    }
    extra_heartbeats_defer(extra, heartbeat_ms);
    for (size_t i = 0; i < EXTRA_HEARTBEATS; i++) {
        struct extra_call *call = &extra->calls[i];
        if (call->transfer == NULL) {
            call->owner = extra;
            (void)!start_call(call, heartbeat_ms, &err); /* the next one is tried all the same */
            return;
        }
    }
}

void extra_heartbeats_cancel(struct extra_heartbeats *extra)
{
    for (size_t i = 0; i < EXTRA_HEARTBEATS; i++) {
        http_async_cancel(extra->calls[i].transfer);
        extra->calls[i].transfer = NULL;
    }
}
