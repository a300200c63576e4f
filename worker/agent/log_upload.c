#include "worker/agent/log_upload.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/json.h"
#include "common/log.h"
#include "worker/agent/backoff.h"
#include "worker/agent/upload_plan.h"

#define PATIENCE_MS 10000 /* for the end of a log, and with a busy lease */
#define REFUSED_MS 600000 /* an old server, or one without a data directory */
#define CALL_MS 30000

struct log_upload {
    int fd;
    char lease[LEASE_ID_BYTES];
    int64_t sent;
    int64_t limit;
    int64_t last_ms;
    int64_t retry_at_ms;
    int64_t ended_ms; /* INT64_MAX: it has not */
    bool told_end;
    bool telling_end; /* by the transfer under way */
    struct backoff backoff;
    struct log_upload *next;
};

void log_uploads_init(struct log_uploads *uploads, struct loop *loop)
{
    *uploads = (struct log_uploads){.loop = loop};
    uploads->tail = &uploads->first;
}

static void drop_first(struct log_uploads *uploads)
{
    struct log_upload *first = uploads->first;

    http_async_cancel(uploads->transfer);
    uploads->transfer = NULL;
    uploads->first = first->next;
    if (uploads->first == NULL) {
        uploads->tail = &uploads->first;
    }
    uploads->n--;
    (void)close(first->fd);
    free(first);
}

void log_uploads_finish(struct log_uploads *uploads)
{
    while (uploads->first != NULL) {
        drop_first(uploads);
    }
}

void log_uploads_begin(struct log_uploads *uploads, const char *lease, const char *path)
{
    int64_t now_ms = loop_now(uploads->loop);
    struct log_upload *upload = calloc(1, sizeof *upload);

    if (upload == NULL) {
        return;
    }
    *upload = (struct log_upload){.fd = open(path, O_RDONLY | O_CLOEXEC),
                                  .limit = UPLOAD_LIMIT_DEFAULT,
                                  .last_ms = now_ms,
                                  .ended_ms = INT64_MAX,
                                  .backoff.base_ms = uploads->loop->backoff_ms};
    if (upload->fd < 0 || now_ms < uploads->refused_until_ms) {
        if (upload->fd >= 0) {
            (void)close(upload->fd);
        }
        free(upload);
        return;
    }
    (void)snprintf(upload->lease, sizeof upload->lease, "%s", lease);
    *uploads->tail = upload;
    uploads->tail = &upload->next;
    if (++uploads->n > LOG_UPLOADS_MAX) {
        drop_first(uploads);
    }
}

void log_uploads_end(struct log_uploads *uploads)
{
    int64_t now_ms = loop_now(uploads->loop);

    for (struct log_upload *at = uploads->first; at != NULL; at = at->next) {
        at->ended_ms = at->ended_ms == INT64_MAX ? now_ms : at->ended_ms;
    }
}

/* ---- what is next ---- */

static void plan(const struct log_uploads *uploads, struct upload_plan *next)
{
    const struct log_upload *upload = uploads->first;
    struct stat status;
    struct upload_facts facts = {.sent = upload->sent,
                                 .limit = upload->limit,
                                 .last_ms = upload->last_ms,
                                 .ended = upload->ended_ms != INT64_MAX,
                                 .told_end = upload->told_end};

    facts.size = fstat(upload->fd, &status) == 0 ? (int64_t)status.st_size : 0;
    facts.size = facts.size > facts.sent ? facts.size : facts.sent;
    upload_plan_next(&facts, next);
    if (next->due_ms < upload->retry_at_ms) {
        next->due_ms = upload->retry_at_ms;
    }
    if (uploads->busy && next->due_ms < upload->last_ms + PATIENCE_MS) {
        next->due_ms = upload->last_ms + PATIENCE_MS;
    }
}

static bool is_given_up(const struct log_upload *upload, int64_t now_ms)
{
    return upload->ended_ms != INT64_MAX && now_ms - upload->ended_ms >= PATIENCE_MS;
}

/* ---- sending ---- */

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err);

static int start_call(struct log_uploads *uploads, const struct upload_plan *next, struct err *err)
{
    static char bytes[UPLOAD_PIECE_BYTES]; /* one thread; the transfer copies it */
    struct log_upload *upload = uploads->first;
    OWN(buf) struct buf path = {0};

    ssize_t got = pread(upload->fd, bytes, next->len, (off_t)next->offset);
    if (got < 0 || (size_t)got < next->len) {
        return err_set(err, ERR_IO, "the log cannot be read");
    }
    buf_init(&path, 512);
    buf_puts(&path, "/v1/leases/");
    http_escape(&path, upload->lease);
    buf_printf(&path, "/log?offset=%" PRId64 "%s%s", next->offset, next->skips ? "&skip=true" : "",
               next->ends ? "&end=true" : "");
    TRY(buf_check(&path, err));
    struct http_call call = {.method = "POST",
                             .path = buf_text(&path),
                             .body = bytes,
                             .body_len = next->len,
                             .content_type = "application/octet-stream",
                             .timeout_ms = CALL_MS};
    TRY(http_async_start(uploads->loop->http, &call, on_answer, uploads, &uploads->transfer, err));
    upload->last_ms = loop_now(uploads->loop);
    upload->telling_end = next->ends;
    return 0;
}

static void retry_later(struct log_uploads *uploads, double retry_after_seconds)
{
    struct log_upload *upload = uploads->first;
    int64_t now_ms = loop_now(uploads->loop);
    int64_t wait_ms = backoff_next(&upload->backoff, &uploads->loop->rng, retry_after_seconds);

    upload->retry_at_ms = now_ms + wait_ms;
}

/* ---- answers ---- */

static bool read_reply(const struct http_answer *answer, int64_t *next_offset, int64_t *limit)
{
    json_auto_t *body = NULL;
    struct err err;

    if (json_parse(buf_text(&answer->body), answer->body.len, &json_limits_default, &body, &err)
        != 0) {
        return false;
    }
    const json_t *offset = json_object_get(body, "next_offset");
    *next_offset = json_integer_value(offset);
    *limit = json_integer_value(json_object_get(body, "limit"));
    return json_is_integer(offset) && *next_offset >= 0;
}

/* The server says where the log goes on, also if it has lost some of it or knew more. */
static void take_reply(struct log_uploads *uploads, const struct http_answer *answer)
{
    struct log_upload *upload = uploads->first;
    int64_t next_offset;
    int64_t limit;

    if (!read_reply(answer, &next_offset, &limit)) {
        retry_later(uploads, -1);
        return;
    }
    if (next_offset <= upload->sent) {
        retry_later(uploads, -1); /* it took nothing */
    } else {
        backoff_reset(&upload->backoff);
        upload->retry_at_ms = 0;
    }
    upload->told_end = upload->telling_end;
    upload->sent = next_offset;
    upload->limit = limit > 0 ? limit : upload->limit;
}

static void take_refusal(struct log_uploads *uploads, const struct http_answer *answer,
                         const struct err *err)
{
    switch ((int)err->code) {
    case ERR_NOT_FOUND:
    case ERR_METHOD_NOT_ALLOWED:
        uploads->refused_until_ms = loop_now(uploads->loop) + REFUSED_MS;
        drop_first(uploads);
        return;
    case ERR_STORAGE_FULL:
    case ERR_OVERLOADED:
    case ERR_RATE_LIMITED:
    case ERR_STARTING:
    case ERR_READ_ONLY:
    case ERR_UNREACHABLE:
        retry_later(uploads, answer == NULL ? -1 : answer->retry_after_seconds);
        return;
    default:
        log_debug("a log is not sent any more: %s", err->text);
        drop_first(uploads);
    }
}

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err)
{
    struct log_uploads *uploads = context;
    struct err problem = *err;

    uploads->transfer = NULL;
    if (rc == 0 && http_answer_check(answer, &problem) == 0) {
        take_reply(uploads, answer);
    } else {
        take_refusal(uploads, rc == 0 ? answer : NULL, &problem);
    }
}

/* ---- time ---- */

void log_uploads_tick(struct log_uploads *uploads, bool busy)
{
    int64_t now_ms = loop_now(uploads->loop);
    struct upload_plan next;
    struct err err;

    uploads->busy = busy;
    while (uploads->first != NULL && uploads->transfer == NULL) {
        struct log_upload *upload = uploads->first;
        plan(uploads, &next);
        if (next.done || is_given_up(upload, now_ms)) {
            drop_first(uploads);
            continue;
        }
        if (now_ms < next.due_ms) {
            return;
        }
        if (start_call(uploads, &next, &err) != 0) {
            log_debug("a log is not sent any more: %s", err.text);
            drop_first(uploads);
        }
    }
    if (uploads->first != NULL && is_given_up(uploads->first, now_ms)) {
        drop_first(uploads);
    }
}

int64_t log_uploads_deadline(const struct log_uploads *uploads)
{
    struct upload_plan next;
    const struct log_upload *upload = uploads->first;

    if (upload == NULL) {
        return INT64_MAX;
    }
    int64_t end_ms = upload->ended_ms == INT64_MAX ? INT64_MAX : upload->ended_ms + PATIENCE_MS;
    if (uploads->transfer != NULL) {
        return end_ms;
    }
    plan(uploads, &next);
    return next.due_ms < end_ms ? next.due_ms : end_ms;
}

bool log_uploads_are_done(const struct log_uploads *uploads, int64_t until_ms)
{
    return uploads->first == NULL || uploads->first->ended_ms == INT64_MAX
           || (uploads->transfer == NULL && log_uploads_deadline(uploads) >= until_ms);
}
