#include "worker/cli/top/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/screen_text.h"
#include "worker/cli/top/orders.h"

enum { TIMEOUT_MS = 10000, LOG_BYTES = 1 << 20 };

int feed_open(struct feed *feed, struct session *session, struct top *top, struct err *err)
{
    *feed = (struct feed){.session = session, .top = top};
    for (enum top_answer i = 0; i < TOP_ANSWER_COUNT; i++) {
        feed->calls[i] = (struct feed_call){.feed = feed, .which = i};
    }
    return session_async(session, &feed->async, err);
}

void feed_finish(struct feed *feed)
{
    http_async_destroy(feed->async);
    *feed = (struct feed){0};
}

/* ---- where ---------------------------------------------------------------------------------- */

void feed_path(const struct top *top, enum top_answer which, struct buf *path)
{
    static const char *const trials[TOP_TRIALS_COUNT] = {
        [TOP_RUNNING] = "?state=running&limit=200",
        [TOP_BEST] = "?sort=best&limit=200",
        [TOP_NEWEST] = "?sort=-number&limit=200",
        [TOP_FAILED] = "?state=failed&sort=-number&limit=200"};
    static const char *const of_study[TOP_ANSWER_COUNT] = {[TOP_STUDY_ANSWER] = "",
                                                           [TOP_BEST_ANSWER] = "/best",
                                                           [TOP_HISTORY_ANSWER] = "/history",
                                                           [TOP_TRIALS_ANSWER] = "/trials",
                                                           [TOP_BRACKETS_ANSWER] = "/brackets"};
    static const char *const of_trial[TOP_ANSWER_COUNT] = {[TOP_TRIAL_ANSWER] = "",
                                                           [TOP_EXPLAIN_ANSWER] = "/explain",
                                                           [TOP_ATTEMPTS_ANSWER] = "/attempts",
                                                           [TOP_LOG_ANSWER] = "/log?tail=40"};
    const struct top_place *place = top_shown(top);

    if (which == TOP_STUDIES_ANSWER) {
        buf_puts(path, "/v1/studies?limit=1000");
        return;
    }
    if (which == TOP_WORKERS_ANSWER) {
        buf_puts(path, "/v1/workers");
        return;
    }
    buf_puts(path, "/v1/studies/");
    http_escape(path, place->study);
    if (of_study[which] != NULL) {
        buf_puts(path, of_study[which]);
        buf_puts(path, which == TOP_TRIALS_ANSWER ? trials[top->trials] : "");
    } else {
        buf_printf(path, "/trials/%" PRId64 "%s", place->trial, of_trial[which]);
    }
}

/* ---- answers -------------------------------------------------------------------------------- */

static void tell_trouble(struct feed *feed, const struct err *err)
{
    struct err told = *err;

    if (err->code == ERR_UNREACHABLE) {
        (void)snprintf(feed->top->trouble, sizeof feed->top->trouble,
                       "the server does not answer; trying again (%.300s)", err->text);
        return;
    }
    session_advise(feed->session, &told);
    (void)snprintf(feed->top->trouble, sizeof feed->top->trouble, "%s", told.text);
}

/* A refused token may be another one in its file by now. */
static void renew_token(struct feed *feed)
{
    char token[HTTP_TOKEN_BYTES] = "";
    bool changed;
    struct err err = {0};

    if (feed->session->token_file[0] != '\0'
        && http_token_load(feed->session->token_file, token, &err) == 0
        && http_async_set_token(feed->async, token, &changed, &err) == 0 && changed) {
        feed->top->trouble[0] = '\0';
    }
    explicit_bzero(token, sizeof token);
}

static json_t *log_text(const struct http_answer *answer)
{
    struct screen_text screen = {0};
    OWN(buf) struct buf text = {0};

    buf_init(&text, 8 * LOG_BYTES);
    screen_text_append(&screen, buf_text(&answer->body),
                       answer->body.len < LOG_BYTES ? answer->body.len : LOG_BYTES, &text);
    screen_text_end(&screen, &text);
    return json_string_nocheck(buf_text(&text));
}

static bool is_list(enum top_answer which)
{
    return which == TOP_STUDIES_ANSWER || which == TOP_WORKERS_ANSWER || which == TOP_HISTORY_ANSWER
           || which == TOP_TRIALS_ANSWER || which == TOP_ATTEMPTS_ANSWER;
}

/* What a study or trial may lack: a best trial of several objectives, brackets, a log. */
static bool may_lack(enum top_answer which)
{
    return which == TOP_BEST_ANSWER || which == TOP_HISTORY_ANSWER || which == TOP_BRACKETS_ANSWER
           || which == TOP_EXPLAIN_ANSWER || which == TOP_LOG_ANSWER;
}

static int take(struct feed *feed, enum top_answer which, const struct http_answer *answer,
                struct err *err)
{
    json_auto_t *reply = NULL;

    if (answer->status >= 400 && answer->status < 500 && answer->status != 401
        && answer->status != 403 && answer->status != 429 && may_lack(which)) {
        top_take(feed->top, which, json_null());
        return 0;
    }
    TRY(http_answer_check(answer, err));
    if (which == TOP_LOG_ANSWER) {
        top_take(feed->top, which, log_text(answer));
        return 0;
    }
    TRY(session_read_answer(answer, &reply, err));
    top_take(feed->top, which,
             json_incref(is_list(which) ? json_object_get(reply, "items") : reply));
    return 0;
}

static void answered(void *context, int rc, const struct http_answer *answer,
                     const struct err *failure)
{
    struct feed_call *call = context;
    struct err err = rc != 0 ? *failure : (struct err){0};

    call->transfer = NULL;
    if (rc == 0 && take(call->feed, call->which, answer, &err) == 0) {
        call->feed->top->trouble[0] = '\0';
        return;
    }
    tell_trouble(call->feed, &err);
    if (err.code == ERR_UNAUTHORIZED) {
        renew_token(call->feed);
    }
}

/* ---- asking --------------------------------------------------------------------------------- */

static void ask(struct feed_call *call)
{
    OWN(buf) struct buf path = {0};
    struct err err = {0};

    buf_init(&path, 4096);
    feed_path(call->feed->top, call->which, &path);
    struct http_call get = {.method = "GET", .path = buf_text(&path), .timeout_ms = TIMEOUT_MS};
    if (buf_check(&path, &err) != 0
        || http_async_start(call->feed->async, &get, answered, call, &call->transfer, &err) != 0) {
        tell_trouble(call->feed, &err);
    }
}

void feed_ask(struct feed *feed)
{
    for (size_t i = 0; i < TOP_ANSWER_COUNT; i++) {
        if (top_needs(feed->top, feed->calls[i].which) && feed->calls[i].transfer == NULL) {
            ask(&feed->calls[i]);
        }
    }
}

/* ---- an order ------------------------------------------------------------------------------- */

static void carried_out(void *context, int rc, const struct http_answer *answer,
                        const struct err *failure)
{
    struct feed *feed = context;
    struct err err = rc != 0 ? *failure : (struct err){0};

    feed->order = NULL;
    feed->was_answered = true;
    if (rc == 0 && http_answer_check(answer, &err) == 0) {
        top_order_done(feed->top);
        return;
    }
    session_advise(feed->session, &err);
    top_order_failed(feed->top, err.text);
}

void feed_send(struct feed *feed)
{
    const struct top_order *order = &feed->top->order;
    struct http_call call = {.method = order->method,
                             .path = order->path,
                             .body = order->body,
                             .body_len = strlen(order->body),
                             .timeout_ms = TIMEOUT_MS};
    struct err err = {0};

    if (feed->order == NULL
        && http_async_start(feed->async, &call, carried_out, feed, &feed->order, &err) != 0) {
        top_order_failed(feed->top, err.text);
    }
}

void feed_forget(struct feed *feed)
{
    for (size_t i = 0; i < TOP_ANSWER_COUNT; i++) {
        if (feed->calls[i].transfer != NULL) {
            http_async_cancel(feed->calls[i].transfer);
            feed->calls[i].transfer = NULL;
        }
    }
}

bool feed_is_asking(const struct feed *feed)
{
    for (size_t i = 0; i < TOP_ANSWER_COUNT; i++) {
        if (feed->calls[i].transfer != NULL) {
            return true;
        }
    }
    return false;
}

void feed_wait(struct feed *feed, int fd, int64_t timeout_ms)
{
    http_async_wait(feed->async, fd, timeout_ms);
}
