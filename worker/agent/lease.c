#include "worker/agent/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/agent/backoff.h"
#include "worker/agent/pending.h"

#define HEARTBEAT_LEAST_MS 1000
#define HEARTBEAT_MOST_MS 3600000
#define CALL_LEAST_MS 5000 /* a call that hangs is repeated while the lease still lives */
#define CALL_MOST_MS 30000
#define BODY_BYTES ((size_t)1 << 20)

/* What may be under way, in the order of importance. */
enum call_kind { CALL_NONE, CALL_MEASUREMENTS, CALL_RESULT, CALL_RELEASE, CALL_HEARTBEAT };

struct lease {
    struct loop *loop;
    const struct lease_grant *grant;
    struct lease_hooks hooks;

    struct pending pending;
    bool has_result;
    struct result_report result;
    bool releases;
    bool closed; /* lost, or delivered: nothing is sent any more */

    enum call_kind calling;
    struct http_transfer *transfer;
    int64_t sent_ms;     /* of the call under way */
    int64_t accepted_ms; /* when the last accepted call was sent */
    int64_t heartbeat_ms;
    int64_t offline_ms;
    int64_t retry_at_ms; /* not before; 0: at once */
    struct backoff backoff;
};

/* Whatever the server says, neither a storm nor silence. */
static int64_t heartbeat_of(double seconds)
{
    if (!(seconds * 1000 > HEARTBEAT_LEAST_MS)) {
        return HEARTBEAT_LEAST_MS;
    }
    return seconds * 1000 < HEARTBEAT_MOST_MS ? (int64_t)(seconds * 1000) : HEARTBEAT_MOST_MS;
}

int lease_create(struct loop *loop, const struct lease_grant *grant,
                 const struct lease_hooks *hooks, int64_t offline_ms, struct lease **lease,
                 struct err *err)
{
    struct lease *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->loop = loop;
    made->grant = grant;
    made->hooks = *hooks;
    made->offline_ms = offline_ms;
    made->accepted_ms = loop_now(loop);
    made->heartbeat_ms = heartbeat_of(grant->heartbeat_seconds);
    made->backoff.base_ms = loop->backoff_ms;
    pending_init(&made->pending, grant->objectives, grant->trial);
    *lease = made;
    return 0;
}

void lease_destroy(struct lease *lease)
{
    if (lease != NULL) {
        http_async_cancel(lease->transfer);
        pending_finish(&lease->pending);
        result_report_finish(&lease->result);
        free(lease);
    }
}

/* ---- measurements ---- */

void lease_measure(struct lease *lease, int64_t step, const struct metric_value *metrics, size_t n)
{
    if (!lease->closed) {
        pending_add(&lease->pending, step, metrics, n);
        lease_tick(lease);
    }
}

bool lease_is_measured(const struct lease *lease)
{
    return pending_is_measured(&lease->pending);
}

bool lease_append_lost(const struct lease *lease, struct buf *out)
{
    return pending_append_lost(&lease->pending, out);
}

bool lease_is_flushed(const struct lease *lease)
{
    return lease->pending.n == 0;
}

int lease_result_steal(struct lease *lease, struct result_report *report, struct err *err)
{
    if (lease->closed || lease->releases) {
        return err_set(err, ERR_LEASE_ENDED, "the lease has ended");
    }
    result_report_finish(&lease->result);
    lease->result = *report;
    *report = (struct result_report){0};
    lease->has_result = true;
    lease_tick(lease);
    return 0;
}

void lease_release(struct lease *lease)
{
    lease->has_result = false;
    lease->releases = true;
    lease_tick(lease);
}

/* ---- calling ---- */

static enum call_kind next_call(const struct lease *lease, int64_t now_ms)
{
    if (lease->pending.n > 0) {
        return CALL_MEASUREMENTS;
    }
    if (lease->has_result) {
        return CALL_RESULT;
    }
    if (lease->releases) {
        return CALL_RELEASE;
    }
    return now_ms >= lease->accepted_ms + lease->heartbeat_ms ? CALL_HEARTBEAT : CALL_NONE;
}

static int write_body(struct lease *lease, enum call_kind kind, struct buf *body, struct err *err)
{
    OWN(measurement_list) struct measurement_list batch = {0};
    struct json_writer w;

    json_writer_init(&w, body);
    if (kind == CALL_MEASUREMENTS) {
        TRY(pending_batch(&lease->pending, &batch, err));
        measurement_list_write(&batch, &w);
    } else if (kind == CALL_RESULT) {
        result_report_write(&lease->result, &w);
    }
    return buf_check(body, err);
}

static const struct {
    const char *method;
    const char *suffix;
} calls[] = {
    [CALL_NONE] = {"", ""},
    [CALL_MEASUREMENTS] = {"POST", "/measurements"},
    [CALL_RESULT] = {"PUT", "/result"},
    [CALL_RELEASE] = {"DELETE", ""},
    [CALL_HEARTBEAT] = {"PUT", ""},
};

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err);

static int start_call(struct lease *lease, enum call_kind kind, struct err *err)
{
    OWN(buf) struct buf path;
    OWN(buf) struct buf body;
    struct http_call call = {.method = calls[kind].method, .timeout_ms = lease->heartbeat_ms};

    buf_init(&path, 256);
    buf_init(&body, BODY_BYTES);
    buf_puts(&path, "/v1/leases/");
    http_escape(&path, lease->grant->id);
    buf_puts(&path, calls[kind].suffix);
    TRY(write_body(lease, kind, &body, err));
    if (call.timeout_ms < CALL_LEAST_MS) {
        call.timeout_ms = CALL_LEAST_MS;
    } else if (call.timeout_ms > CALL_MOST_MS) {
        call.timeout_ms = CALL_MOST_MS;
    }
    TRY(buf_check(&path, err));
    call.path = buf_text(&path);
    if (body.len > 0) {
        call.body = body.data;
        call.body_len = body.len;
    }
    TRY(http_async_start(lease->loop->http, &call, on_answer, lease, &lease->transfer, err));
    lease->calling = kind;
    lease->sent_ms = loop_now(lease->loop);
    return 0;
}

static void close_lost(struct lease *lease, const char *why)
{
    lease->closed = true;
    lease->has_result = false;
    pending_clear(&lease->pending);
    lease->hooks.on_lost(lease->hooks.context, why);
}

/* A finished trial waits for its server as long as it takes; a running one does not. */
static bool is_offline_too_long(const struct lease *lease, int64_t now_ms)
{
    return !lease->has_result && now_ms >= lease->accepted_ms + lease->offline_ms;
}

static void retry_later(struct lease *lease, double retry_after_seconds, const char *why)
{
    int64_t now_ms = loop_now(lease->loop);
    int64_t wait_ms = backoff_next(&lease->backoff, &lease->loop->rng, retry_after_seconds);

    /* a heartbeat must not come later than the server would wait for it */
    if (retry_after_seconds < 0 && !lease->has_result && wait_ms > lease->heartbeat_ms) {
        wait_ms = lease->heartbeat_ms;
    }
    lease->retry_at_ms = now_ms + wait_ms;
    lease->hooks.on_reach(lease->hooks.context, false, why);
    if (is_offline_too_long(lease, now_ms)) {
        close_lost(lease, "the server did not answer for too long");
    }
}

/* ---- answers ---- */

static void take_action(struct lease *lease, enum call_kind kind, const struct http_answer *answer)
{
    json_auto_t *body = NULL;
    struct action_reply reply = {0};
    struct err err = {0};

    int rc =
        json_parse(buf_text(&answer->body), answer->body.len, &json_limits_default, &body, &err);
    rc = rc == 0 ? action_reply_from_json(body, &reply, &err) : rc;
    if (kind == CALL_MEASUREMENTS) {
        pending_accepted(&lease->pending, reply.conflict);
    }
    if (rc != 0) {
        log_warning("%s", err.text);
        return;
    }
    if (reply.heartbeat_seconds > 0) {
        lease->heartbeat_ms = heartbeat_of(reply.heartbeat_seconds);
    }
    lease->hooks.on_action(lease->hooks.context, &reply);
}

static void take_closed(struct lease *lease, const struct http_answer *answer)
{
    json_auto_t *body = NULL;
    const char *state = NULL;

    if (json_parse(buf_text(&answer->body), answer->body.len, &json_limits_default, &body, NULL)
        == 0) {
        state = json_string_value(json_object_get(json_object_get(body, "trial"), "state"));
    }
    lease->closed = true;
    lease->has_result = false;
    lease->hooks.on_closed(lease->hooks.context, state == NULL ? "" : state);
}

static void take_success(struct lease *lease, enum call_kind kind, const struct http_answer *answer)
{
    lease->accepted_ms = lease->sent_ms;
    lease->retry_at_ms = 0;
    backoff_reset(&lease->backoff);
    lease->hooks.on_reach(lease->hooks.context, true, "");
    switch (kind) {
    case CALL_MEASUREMENTS:
    case CALL_HEARTBEAT:
        take_action(lease, kind, answer);
        break;
    case CALL_RESULT:
    case CALL_RELEASE:
        take_closed(lease, answer);
        break;
    case CALL_NONE:
    default:
        break;
    }
}

/* The request itself is at fault, so it would fail for ever. */
static void take_refusal(struct lease *lease, enum call_kind kind, const struct err *err)
{
    if (kind == CALL_MEASUREMENTS) {
        pending_refused(&lease->pending, err);
    } else if (kind == CALL_RESULT) {
        lease->has_result = false;
        lease->hooks.on_refused(lease->hooks.context, err);
    } else {
        close_lost(lease, err->text);
    }
}

enum verdict { VERDICT_RETRY, VERDICT_LOST, VERDICT_REFUSED, VERDICT_FATAL };

static enum verdict judge(const struct http_answer *answer, const struct err *err)
{
    switch (answer->status) {
    case 401:
    case 403:
    case 426:
        return VERDICT_FATAL;
    case 404:
    case 409:
    case 410:
        return VERDICT_LOST;
    case 408:
    case 429:
        return VERDICT_RETRY;
    default:
        /* a redirect or a page that is not ours comes from something between us and the server */
        return answer->status >= 400 && answer->status < 500 && err->code != ERR_NONE
                   ? VERDICT_REFUSED
                   : VERDICT_RETRY;
    }
}

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err)
{
    struct lease *lease = context;
    enum call_kind kind = lease->calling;
    struct err problem = *err;

    lease->transfer = NULL;
    lease->calling = CALL_NONE;
    if (rc == 0 && http_answer_check(answer, &problem) == 0) {
        take_success(lease, kind, answer);
        return;
    }
    enum verdict verdict = rc != 0 ? VERDICT_RETRY : judge(answer, &problem);
    if (verdict == VERDICT_RETRY) {
        retry_later(lease, rc == 0 ? answer->retry_after_seconds : -1, problem.text);
    } else if (verdict == VERDICT_LOST) {
        close_lost(lease, problem.text);
    } else if (verdict == VERDICT_REFUSED) {
        take_refusal(lease, kind, &problem);
    } else {
        lease->closed = true;
        lease->hooks.on_fatal(lease->hooks.context, &problem);
    }
}

/* ---- time ---- */

void lease_tick(struct lease *lease)
{
    struct err err = {0};
    int64_t now_ms = loop_now(lease->loop);

    if (lease->closed || lease->calling != CALL_NONE || now_ms < lease->retry_at_ms) {
        return;
    }
    enum call_kind kind = next_call(lease, now_ms);
    if (kind != CALL_NONE && start_call(lease, kind, &err) != 0) {
        retry_later(lease, -1, err.text);
    }
}

void lease_hurry(struct lease *lease)
{
    lease->retry_at_ms = 0;
    backoff_reset(&lease->backoff);
    lease_tick(lease);
}

int64_t lease_deadline(const struct lease *lease)
{
    if (lease->closed || lease->calling != CALL_NONE) {
        return INT64_MAX;
    }
    int64_t due_ms = lease->accepted_ms + lease->heartbeat_ms;
    if (lease->pending.n > 0 || lease->has_result || lease->releases) {
        due_ms = 0;
    }
    return due_ms > lease->retry_at_ms ? due_ms : lease->retry_at_ms;
}
