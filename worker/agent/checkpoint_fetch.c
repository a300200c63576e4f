#include "worker/agent/checkpoint_fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/wire/wire.h"
#include "worker/agent/backoff.h"
#include "worker/agent/folder.h"
#include "worker/agent/tree_remove.h"
#include "worker/agent/tree_unpack.h"

#define PATIENCE_MS 600000 /* without any answer */
#define CALL_MS 600000

enum fetch_state { FETCH_RECEIVING, FETCH_UNPACKING, FETCH_DONE };

struct checkpoint_fetch {
    struct loop *loop;
    enum fetch_state state;
    char lease[LEASE_ID_BYTES];
    char uri[CHECKPOINT_URI_BYTES];
    char *to, *packed;
    int fd; /* of the packed file */
    int64_t bytes;
    struct digest *digest;
    struct tree_unpack *unpack;
    struct http_transfer *transfer;
    int64_t began_ms, retry_at_ms;
    struct backoff backoff;
    bool failed;
    bool lacks_room; /* here */
    struct err err;
};

static void finish(struct checkpoint_fetch *fetch, bool failed)
{
    struct err err;

    fetch->state = FETCH_DONE;
    fetch->failed = failed;
    tree_unpack_destroy(fetch->unpack);
    fetch->unpack = NULL;
    (void)unlink(fetch->packed);
    if (failed) {
        (void)!tree_remove_below(fetch->to, &err);
    }
}

/* For what `err` says of this machine, not of the server. */
static void fail_here(struct checkpoint_fetch *fetch)
{
    fetch->lacks_room = fetch->err.code == ERR_STORAGE_FULL;
    finish(fetch, true);
}

static void release(struct checkpoint_fetch *fetch)
{
    if (fetch->fd >= 0) {
        (void)close(fetch->fd);
    }
    digest_destroy(fetch->digest);
    free(fetch->to);
    free(fetch->packed);
    free(fetch);
}

struct checkpoint_fetch *checkpoint_fetch_begin(struct loop *loop, const char *lease,
                                                const char *uri, const char *to)
{
    struct checkpoint_fetch *made = calloc(1, sizeof *made);
    struct err err;

    if (made == NULL) {
        return NULL;
    }
    made->fd = -1;
    made->loop = loop;
    made->began_ms = loop_now(loop);
    made->backoff.base_ms = loop->backoff_ms;
    (void)snprintf(made->lease, sizeof made->lease, "%s", lease);
    (void)snprintf(made->uri, sizeof made->uri, "%s", uri);
    made->to = strdup(to);
    if (asprintf(&made->packed, "%s.tar", to) < 0) {
        made->packed = NULL;
    }
    if (made->to == NULL || made->packed == NULL || digest_create(&made->digest, &err) != 0) {
        release(made);
        return NULL;
    }
    return made;
}

void checkpoint_fetch_destroy(struct checkpoint_fetch *fetch)
{
    if (fetch != NULL) {
        http_async_cancel(fetch->transfer);
        if (fetch->state != FETCH_DONE) {
            finish(fetch, true);
        }
        release(fetch);
    }
}

/* ---- receiving ---- */

static bool take_bytes(void *context, const char *bytes, size_t len)
{
    struct checkpoint_fetch *fetch = context;

    fetch->bytes += (int64_t)len;
    if (fetch->bytes > CHECKPOINT_FETCHED_MAX) {
        (void)err_set(&fetch->err, ERR_TOO_LARGE, "the server sends more than is taken here");
        return false;
    }
    digest_add(fetch->digest, bytes, len);
    while (len > 0) {
        ssize_t put = write(fetch->fd, bytes, len);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            (void)err_set(&fetch->err, errno_is_full_disk(errno) ? ERR_STORAGE_FULL : ERR_IO,
                          "it cannot be written: %s", strerror(errno));
            return false;
        }
        bytes += put;
        len -= (size_t)put;
    }
    return true;
}

static bool has_its_name(struct checkpoint_fetch *fetch)
{
    unsigned char sum[SHA256_BYTES];
    char found[80] = "sha256:";

    digest_end(fetch->digest, sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        (void)snprintf(found + 7 + 2 * i, 3, "%02x", sum[i]);
    }
    return strcmp(fetch->uri, found) == 0;
}

static void retry_later(struct checkpoint_fetch *fetch, double retry_after_seconds)
{
    int64_t now_ms = loop_now(fetch->loop);

    if (now_ms - fetch->began_ms >= PATIENCE_MS) {
        finish(fetch, true);
        return;
    }
    fetch->retry_at_ms =
        now_ms + backoff_next(&fetch->backoff, &fetch->loop->rng, retry_after_seconds);
}

/* Bytes that are not those of its name were damaged on the way, or are another's: once more, then
 * not at all. */
static void take_whole(struct checkpoint_fetch *fetch)
{
    if (!has_its_name(fetch)) {
        (void)err_set(&fetch->err, ERR_INVALID, "the server sends something else than it names");
        if (fetch->backoff.failures == 0) {
            retry_later(fetch, -1);
        } else {
            finish(fetch, true);
        }
        return;
    }
    fetch->state = FETCH_UNPACKING;
    if (lseek(fetch->fd, 0, SEEK_SET) != 0
        || tree_unpack_begin(fetch->fd, fetch->to, CHECKPOINT_FETCHED_MAX, &fetch->unpack,
                             &fetch->err)
               != 0) {
        fail_here(fetch);
    }
}

static void on_answer(void *context, int rc, const struct http_answer *answer,
                      const struct err *err)
{
    struct checkpoint_fetch *fetch = context;
    bool is_ours = fetch->err.code != ERR_NONE; /* take_bytes() has stopped it */

    fetch->transfer = NULL;
    if (!is_ours) {
        fetch->err = *err;
    }
    if (rc == 0 && http_answer_check(answer, &fetch->err) == 0) {
        take_whole(fetch);
    } else if (is_ours) {
        fail_here(fetch);
    } else if (err_may_pass(fetch->err.code)) {
        retry_later(fetch, answer == NULL ? -1 : answer->retry_after_seconds);
    } else {
        finish(fetch, true);
    }
}

static int empty_file(struct checkpoint_fetch *fetch, struct err *err)
{
    unsigned char unused[SHA256_BYTES];

    if (fetch->fd < 0) {
        fetch->fd = open(fetch->packed, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    if (fetch->fd < 0 || ftruncate(fetch->fd, 0) != 0 || lseek(fetch->fd, 0, SEEK_SET) != 0) {
        return err_set(err, errno_is_full_disk(errno) ? ERR_STORAGE_FULL : ERR_IO,
                       "%s cannot be written: %s", fetch->packed, strerror(errno));
    }
    digest_end(fetch->digest, unused); /* of a transfer that was broken off */
    fetch->bytes = 0;
    fetch->err = (struct err){0};
    return 0;
}

static int ask(struct checkpoint_fetch *fetch, struct err *err)
{
    OWN(buf) struct buf path = {0};

    TRY(empty_file(fetch, err));
    buf_init(&path, 512);
    buf_puts(&path, "/v1/leases/");
    http_escape(&path, fetch->lease);
    buf_puts(&path, "/checkpoint");
    TRY(buf_check(&path, err));
    struct http_call call = {.method = "GET",
                             .path = buf_text(&path),
                             .take = take_bytes,
                             .take_context = fetch,
                             .timeout_ms = CALL_MS};
    return http_async_start(fetch->loop->http, &call, on_answer, fetch, &fetch->transfer, err);
}

/* ---- time ---- */

void checkpoint_fetch_tick(struct checkpoint_fetch *fetch)
{
    bool unpacked = false;

    if (fetch->state == FETCH_RECEIVING && fetch->transfer == NULL
        && loop_now(fetch->loop) >= fetch->retry_at_ms && ask(fetch, &fetch->err) != 0) {
        fail_here(fetch);
    }
    if (fetch->state != FETCH_UNPACKING) {
        return;
    }
    if (tree_unpack_step(fetch->unpack, &unpacked, &fetch->err) != 0) {
        fail_here(fetch);
    } else if (unpacked) {
        finish(fetch, false);
    }
}

int64_t checkpoint_fetch_deadline(const struct checkpoint_fetch *fetch)
{
    if (fetch->transfer != NULL) {
        return INT64_MAX;
    }
    return fetch->state == FETCH_RECEIVING ? fetch->retry_at_ms : 0;
}

bool checkpoint_fetch_is_done(const struct checkpoint_fetch *fetch)
{
    return fetch->state == FETCH_DONE;
}

const char *checkpoint_fetch_failure(const struct checkpoint_fetch *fetch)
{
    return fetch->failed ? fetch->err.text : NULL;
}

bool checkpoint_fetch_lacks_room(const struct checkpoint_fetch *fetch)
{
    return fetch->failed && fetch->lacks_room;
}
