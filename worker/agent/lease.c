#include "worker/agent/lease.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/agent/answer_class.h"
#include "worker/agent/attempt_log.h"
#include "worker/agent/backoff.h"
#include "worker/agent/extra_heartbeats.h"
#include "worker/agent/pending.h"
#include "worker/agent/pending_restore.h"

#define HEARTBEAT_LEAST_MS 1000
#define HEARTBEAT_MOST_MS 3600000
#define CALL_LEAST_MS 5000 /* a call that hangs is repeated while the lease is still valid */
#define CALL_MOST_MS 30000
#define BODY_BYTES ((size_t)1 << 20)

struct lease {
    struct loop *loop;
    const struct lease_grant *grant;
    struct lease_hooks hooks;
    struct spool *spool; /* NULL: nothing is recorded */

    struct pending pending;
    bool has_result;
    struct result_report result;
    bool releases;
    bool closed;   /* lost, or delivered: nothing is sent any more */
    bool answered; /* a call was */
    bool offline;  /* for too long; told */

    enum server_call calling;
    struct http_transfer *transfer;
    int64_t sent_ms;        /* of the call under way */
    unsigned sent_n_tokens; /* loop.h */
    int64_t accepted_ms;    /* when the last accepted call was sent */
    int64_t heartbeat_ms;
    int64_t utilization_ms; /* when it was last sent */
    bool sends_utilization; /* the call under way does */
    bool no_utilization;    /* the server is older and refuses it */
    int64_t offline_ms;
    int64_t retry_at_ms; /* not before; 0: at once */
    struct backoff backoff;
    struct extra_heartbeats extra;
};

/* Bounds on what the server asks for: neither too many calls nor none. */
static int64_t heartbeat_of(double seconds)
{
    if (!(seconds * 1000 > HEARTBEAT_LEAST_MS)) {
        return HEARTBEAT_LEAST_MS;
    }
    return seconds * 1000 < HEARTBEAT_MOST_MS ? (int64_t)(seconds * 1000) : HEARTBEAT_MOST_MS;
}

static void on_extra_heartbeat(void *context, int64_t sent_ms, const struct action_reply *reply);

int lease_create(struct loop *loop, const struct lease_settings *settings, struct lease **lease,
                 struct err *err)
{
    const struct lease_grant *grant = settings->grant;
    struct lease *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->loop = loop;
    made->grant = grant;
    made->hooks = settings->hooks;
    made->offline_ms = settings->offline_ms;
    made->accepted_ms = made->utilization_ms = loop_now(loop);
    made->heartbeat_ms = heartbeat_of(grant->heartbeat_seconds);
    made->backoff.base_ms = loop->backoff_ms;
    made->extra = (struct extra_heartbeats){
        .loop = loop, .grant = grant, .taken = on_extra_heartbeat, .context = made};
    made->spool = settings->spool;
    pending_init(&made->pending, grant->values.objectives, settings->notes, made->spool);
    made->pending.digits = grant->digits;
    if (settings->resumed != NULL) { /* what the server thinks of it by now is asked at once */
        made->accepted_ms -= made->heartbeat_ms;
        pending_restore(&made->pending, settings->resumed->answered);
    }
    *lease = made;
    return 0;
}

void lease_destroy(struct lease *lease)
{
    if (lease != NULL) {
        http_async_cancel(lease->transfer);
        extra_heartbeats_cancel(&lease->extra);
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
    }
}

bool lease_is_objective(const struct lease *lease, const char *metric)
{
    return pending_is_objective(&lease->pending, metric);
}

uint64_t lease_reports(const struct lease *lease)
{
    return lease->pending.last;
}

bool lease_is_measured(const struct lease *lease)
{
    return pending_is_measured(&lease->pending);
}

void lease_append_reported(const struct lease *lease, struct buf *out)
{
    pending_append_reported(&lease->pending, out);
}

void lease_append_missing(const struct lease *lease, struct buf *out)
{
    pending_append_missing(&lease->pending, out);
}

bool lease_append_lost(const struct lease *lease, struct buf *out)
{
    return pending_append_lost(&lease->pending, out);
}

bool lease_append_not_finite(const struct lease *lease, struct buf *out)
{
    return pending_append_not_finite(&lease->pending, out);
}

bool lease_is_flushed(const struct lease *lease)
{
    return lease->pending.n == 0;
}

void lease_condense(struct lease *lease, struct pending_steps steps)
{
    OWN(spool) struct spool shorter;
    OWN(memory) char *beside = NULL;
    struct err err = {0};
    int64_t now_ms = loop_now(lease->loop);

    spool_init(&shorter);
    if (!pending_is_mostly_answered(&lease->pending)
        || asprintf(&beside, "%s.new", lease->spool->path) < 0
        || spool_begin(&shorter, beside, &err) != 0) {
        return;
    }
    int64_t read_at = lease->pending.read_at;
    bool done = pending_condense(&lease->pending, steps, &shorter);
    spool_sync(&shorter, now_ms);
    if (!done || spool_replace(lease->spool, &shorter, &err) != 0) {
        lease->pending.read_at = read_at;
        spool_remove(&shorter);
    }
}

bool lease_is_answered(const struct lease *lease)
{
    return lease->answered;
}

/* What is sent from now on, whoever goes on with it. */
static void record_end(struct lease *lease)
{
    if (lease->spool == NULL) {
        return;
    }
    if (lease->releases) {
        (void)attempt_log_release(lease->spool);
    } else {
        (void)attempt_log_result(lease->spool, &lease->result);
    }
    spool_sync(lease->spool, loop_now(lease->loop));
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
    record_end(lease);
    lease_tick(lease);
    return 0;
}

void lease_release(struct lease *lease)
{
    lease->has_result = false;
    lease->releases = true;
    record_end(lease);
    lease_tick(lease);
}

/* ---- calling ---- */

/* NaN: not known, or not wanted. */
static double utilization_of(const struct lease *lease)
{
    return lease->hooks.utilization == NULL || lease->no_utilization
               ? (double)NAN
               : lease->hooks.utilization(lease->hooks.context);
}

static bool heartbeat_is_due(const struct lease *lease, int64_t now_ms)
{
    return now_ms >= lease->accepted_ms + lease->heartbeat_ms
           || (now_ms >= lease->utilization_ms + lease->heartbeat_ms
               && !isnan(utilization_of(lease)));
}

static enum server_call next_call(const struct lease *lease, int64_t now_ms)
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
    return heartbeat_is_due(lease, now_ms) ? CALL_HEARTBEAT : CALL_NONE;
}

static void write_heartbeat(struct lease *lease, struct json_writer *w)
{
    double utilization = utilization_of(lease);

    if (!isnan(utilization)) {
        json_object_begin(w);
        json_put_number(w, "gpu_utilization", utilization);
        json_object_end(w);
        lease->sends_utilization = true;
        lease->utilization_ms = loop_now(lease->loop);
    }
}

static int write_body(struct lease *lease, enum server_call kind, struct buf *body, struct err *err)
{
    OWN(measurement_list) struct measurement_list batch = {0};
    struct json_writer w;

    json_writer_init(&w, body);
    lease->sends_utilization = false;
    if (kind == CALL_MEASUREMENTS) {
        TRY(pending_batch(&lease->pending, &batch, err));
        measurement_list_write(&batch, &w);
    } else if (kind == CALL_RESULT) {
        result_report_write(&lease->result, &w);
    } else if (kind == CALL_HEARTBEAT) {
        write_heartbeat(lease, &w);
    }
    return buf_check(body, err);
}

static const struct {
    const char *method;
    const char *suffix;
} calls[CALL_COUNT] = {
    [CALL_MEASUREMENTS] = {"POST", "/measurements"},
    [CALL_RESULT] = {"PUT", "/result"},
    [CALL_RELEASE] = {"DELETE", ""},
    [CALL_HEARTBEAT] = {"PUT", ""},
};

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err);

static int start_call(struct lease *lease, enum server_call kind, struct err *err)
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
    lease->sent_n_tokens = lease->loop->n_tokens;
    extra_heartbeats_defer(&lease->extra, lease->heartbeat_ms);
    return 0;
}

/* Nothing is sent any more. */
static void close_lease(struct lease *lease)
{
    lease->closed = true;
    extra_heartbeats_cancel(&lease->extra);
}

static void close_lost(struct lease *lease, const char *why)
{
    close_lease(lease);
    lease->has_result = false;
    pending_clear(&lease->pending);
    lease->hooks.on_lost(lease->hooks.context, why);
}

/* A finished trial waits for its server as long as it takes; a running one does not. */
static void check_offline(struct lease *lease, int64_t now_ms)
{
    if (!lease->offline && now_ms - lease->accepted_ms >= lease->offline_ms) {
        lease->offline = true;
        lease->hooks.on_offline(lease->hooks.context);
    }
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
    check_offline(lease, now_ms);
}

/* ---- answers ---- */

static void take_action(struct lease *lease, const struct action_reply *reply)
{
    if (reply->heartbeat_seconds > 0) {
        lease->heartbeat_ms = heartbeat_of(reply->heartbeat_seconds);
    }
    lease->hooks.on_action(lease->hooks.context, reply);
}

static void take_closed(struct lease *lease, const char *state, bool is_excluded)
{
    close_lease(lease);
    lease->has_result = false;
    lease->hooks.on_closed(lease->hooks.context, state, is_excluded);
}

/* A call that was sent at this moment renewed the lease. */
static void note_accepted(struct lease *lease, int64_t sent_ms)
{
    if (sent_ms > lease->accepted_ms) {
        lease->accepted_ms = sent_ms;
    }
    lease->answered = true;
    lease->offline = false;
    backoff_reset(&lease->backoff);
    lease->hooks.on_reach(lease->hooks.context, true, "");
}

static void on_extra_heartbeat(void *context, int64_t sent_ms, const struct action_reply *reply)
{
    struct lease *lease = context;

    note_accepted(lease, sent_ms);
    take_action(lease, reply);
}

static void take_success(struct lease *lease, enum server_call kind, const struct reply *reply)
{
    lease->retry_at_ms = 0;
    note_accepted(lease, lease->sent_ms);
    if (kind == CALL_MEASUREMENTS) {
        pending_accepted(&lease->pending, reply->action.conflict, reply->action.replaced);
    }
    if (kind == CALL_RESULT || kind == CALL_RELEASE) {
        take_closed(lease, reply->state, reply->is_excluded);
    } else {
        take_action(lease, &reply->action);
    }
}

/* The request itself is at fault, so it would fail for ever. */
static void take_refusal(struct lease *lease, enum server_call kind, const struct err *err)
{
    if (kind == CALL_MEASUREMENTS) {
        pending_refused(&lease->pending, err);
    } else if (kind == CALL_RESULT) {
        lease->has_result = false;
        lease->hooks.on_refused(lease->hooks.context, err);
    } else if (lease->sends_utilization) {
        lease->no_utilization = true; /* the next one goes without, at once */
    } else {
        close_lost(lease, err->text);
    }
}

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err)
{
    struct lease *lease = context;
    enum server_call kind = lease->calling;
    struct err problem = *err;
    OWN(reply) struct reply reply;

    lease->transfer = NULL;
    lease->calling = CALL_NONE;
    enum answer_class class =
        answer_class_of(kind, lease->grant->digits, rc, answer, &reply, &problem);
    if (problem.code == ERR_UNAUTHORIZED && loop_renew_token(lease->loop, lease->sent_n_tokens)) {
        lease->retry_at_ms = 0;
        return;
    }
    switch (class) {
    case ANSWER_CLASS_TAKEN:
        take_success(lease, kind, &reply);
        break;
    case ANSWER_CLASS_LOST:
        close_lost(lease, problem.text);
        break;
    case ANSWER_CLASS_REFUSED:
        take_refusal(lease, kind, &problem);
        break;
    case ANSWER_CLASS_FATAL:
        close_lease(lease);
        lease->hooks.on_fatal(lease->hooks.context, &problem);
        break;
    case ANSWER_CLASS_RETRY:
    default:
        retry_later(lease, reply.retry_after_seconds, problem.text);
    }
}

/* ---- time ---- */

void lease_tick(struct lease *lease)
{
    struct err err = {0};
    int64_t now_ms = loop_now(lease->loop);

    if (lease->closed) {
        return;
    }
    if (lease->calling != CALL_NONE) {
        extra_heartbeats_tick(&lease->extra, lease->accepted_ms, lease->heartbeat_ms);
        return;
    }
    if (now_ms < lease->retry_at_ms) {
        return;
    }
    enum server_call kind = next_call(lease, now_ms);
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
    if (lease->closed) {
        return INT64_MAX;
    }
    if (lease->calling != CALL_NONE) {
        return extra_heartbeats_due(&lease->extra, lease->accepted_ms, lease->heartbeat_ms);
    }
    int64_t due_ms = lease->accepted_ms + lease->heartbeat_ms;
    int64_t utilization_ms = lease->utilization_ms + lease->heartbeat_ms;
    if (utilization_ms < due_ms && !isnan(utilization_of(lease))) {
        due_ms = utilization_ms;
    }
    if (lease->pending.n > 0 || lease->has_result || lease->releases) {
        due_ms = 0;
    }
    return due_ms > lease->retry_at_ms ? due_ms : lease->retry_at_ms;
}
