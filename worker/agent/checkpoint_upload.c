#include "worker/agent/checkpoint_upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/wire/wire.h"
#include "worker/agent/backoff.h"
#include "worker/agent/tree_pack.h"

#define PATIENCE_MS 120000 /* without any answer */
#define CALL_MS 600000

enum upload_state { UPLOAD_PACKING, UPLOAD_SENDING, UPLOAD_DONE };

struct checkpoint_upload {
    struct loop *loop;
    enum upload_state state;
    char *packed; /* the file */
    char lease[LEASE_ID_BYTES];
    struct tree_pack *pack;
    struct http_transfer *transfer;
    int64_t began_ms, retry_at_ms;
    struct backoff backoff;
    char uri[CHECKPOINT_URI_BYTES]; /* "": the server does not have it */
    struct err err;
};

static void finish(struct checkpoint_upload *upload)
{
    upload->state = UPLOAD_DONE;
    tree_pack_destroy(upload->pack);
    upload->pack = NULL;
    if (upload->packed != NULL) {
        (void)unlink(upload->packed);
    }
}

struct checkpoint_upload *checkpoint_upload_begin(struct loop *loop, const char *from,
                                                  const char *lease)
{
    struct checkpoint_upload *made = calloc(1, sizeof *made);

    if (made == NULL || asprintf(&made->packed, "%s.tar", from) < 0) {
        free(made);
        return NULL;
    }
    made->loop = loop;
    made->began_ms = loop_now(loop);
    made->backoff.base_ms = loop->backoff_ms;
    (void)snprintf(made->lease, sizeof made->lease, "%s", lease);
    if (tree_pack_begin(from, made->packed, CHECKPOINT_PACKED_MAX, &made->pack, &made->err) != 0) {
        finish(made);
    }
    return made;
}

void checkpoint_upload_destroy(struct checkpoint_upload *upload)
{
    if (upload != NULL) {
        http_async_cancel(upload->transfer);
        finish(upload);
        free(upload->packed);
        free(upload);
    }
}

/* ---- answers ---- */

static bool names_what_was_sent(const struct checkpoint_upload *upload, const char *uri)
{
    const unsigned char *sum = tree_pack_digest(upload->pack);
    char wanted[80] = "sha256:";

    for (size_t i = 0; i < SHA256_BYTES; i++) {
        (void)snprintf(wanted + 7 + 2 * i, 3, "%02x", sum[i]);
    }
    return strcmp(uri, wanted) == 0;
}

static void take_reply(struct checkpoint_upload *upload, const struct http_answer *answer)
{
    json_auto_t *body = NULL;
    struct err err;

    if (json_parse(buf_text(&answer->body), answer->body.len, &json_limits_default, &body, &err)
        == 0) {
        const char *uri = json_string_value(json_object_get(body, "uri"));
        if (uri != NULL && names_what_was_sent(upload, uri)) {
            (void)snprintf(upload->uri, sizeof upload->uri, "%s", uri);
        }
    }
    if (upload->uri[0] == '\0') {
        (void)err_set(&upload->err, ERR_INVALID, "the server has received something else");
    }
    finish(upload);
}

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err)
{
    struct checkpoint_upload *upload = context;
    int64_t now_ms = loop_now(upload->loop);

    upload->transfer = NULL;
    upload->err = *err;
    if (rc == 0 && http_answer_check(answer, &upload->err) == 0) {
        take_reply(upload, answer);
    } else if (err_may_pass(upload->err.code) && now_ms - upload->began_ms < PATIENCE_MS) {
        upload->retry_at_ms = now_ms
                              + backoff_next(&upload->backoff, &upload->loop->rng,
                                             answer == NULL ? -1 : answer->retry_after_seconds);
    } else {
        finish(upload);
    }
}

/* ---- time ---- */

static int send(struct checkpoint_upload *upload, struct err *err)
{
    OWN(buf) struct buf path;

    buf_init(&path, 512);
    buf_puts(&path, "/v1/leases/");
    http_escape(&path, upload->lease);
    buf_puts(&path, "/checkpoint");
    TRY(buf_check(&path, err));
    struct http_call call = {.method = "PUT",
                             .path = buf_text(&path),
                             .has_body_fd = true,
                             .body_fd = tree_pack_fd(upload->pack),
                             .body_len = (size_t)tree_pack_bytes(upload->pack),
                             .content_type = "application/x-tar",
                             .timeout_ms = CALL_MS};
    return http_async_start(upload->loop->http, &call, on_answer, upload, &upload->transfer, err);
}

void checkpoint_upload_tick(struct checkpoint_upload *upload)
{
    bool packed = false;

    if (upload->state == UPLOAD_PACKING) {
        if (tree_pack_step(upload->pack, &packed, &upload->err) != 0) {
            finish(upload);
        } else if (packed) {
            upload->state = UPLOAD_SENDING;
            upload->began_ms = loop_now(upload->loop);
        }
    }
    if (upload->state == UPLOAD_SENDING && upload->transfer == NULL
        && loop_now(upload->loop) >= upload->retry_at_ms && send(upload, &upload->err) != 0) {
        finish(upload);
    }
}

int64_t checkpoint_upload_deadline(const struct checkpoint_upload *upload)
{
    if (upload->transfer != NULL) {
        return INT64_MAX;
    }
    return upload->state == UPLOAD_SENDING ? upload->retry_at_ms : 0;
}

bool checkpoint_upload_is_done(const struct checkpoint_upload *upload)
{
    return upload->state == UPLOAD_DONE;
}

const char *checkpoint_upload_uri(const struct checkpoint_upload *upload, const char **why)
{
    *why = upload->err.text;
    return upload->uri[0] == '\0' ? NULL : upload->uri;
}
