/* An upload goes from the socket to the disk in two halves: the loop thread fills a buffer, a
 * reader thread writes and digests what has been filled, and while both are full the client waits.
 * A download is a streamed answer. */
#include "server/api/checkpoints.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/wire/checkpoint.h"
#include "server/api/json.h"
#include "server/api/lease_row.h"
#include "server/api/problem.h"
#include "server/api/read.h"
#include "server/api/request.h"
#include "server/api/stream.h"

#define FILLED_BYTES ((size_t)128 << 10) /* enough for a job */
#define BUFFER_BYTES ((size_t)256 << 10) /* with what MHD may still have */
#define AT_ONCE 32
#define CHUNK_BYTES ((size_t)256 << 10)

static int no_files(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND,
                   "this server has no data directory, so it keeps no checkpoints");
}

/* ---- PUT ---- */

struct reception {
    struct api *api;
    struct http_request *request; /* not after `closed` */
    struct upload *upload;        /* the job's; NULL before the first one */
    struct log_name trial;        /* of the lease, from the first job on */
    struct buf writing;           /* the job's */
    struct err err;               /* the job's until it has failed */
    pthread_mutex_t lock;         /* guards what follows */
    struct buf filled;
    bool running;  /* a job is queued or at work */
    bool paused;   /* the client waits */
    bool complete; /* the body is here */
    bool failed;   /* what comes is left out */
    bool closed;   /* the request is over */
};

static void reception_destroy(struct reception *reception)
{
    atomic_fetch_sub(&reception->api->n_receptions, 1);
    upload_destroy(reception->upload);
    buf_finish(&reception->writing);
    buf_finish(&reception->filled);
    (void)pthread_mutex_destroy(&reception->lock);
    free(reception);
}

/* May the attempt's worker still say anything about its trial? */
static int check_attempt(struct store *store, const struct attempt_row *row, struct err *err)
{
    OWN(trial_row) struct trial_row trial = {0};

    TRY(store_trial_load(store, row->trial, &trial, err));
    if (trial.attempt > row->number) {
        return err_set(err, ERR_LEASE_SUPERSEDED,
                       "attempt %" PRId64 " of trial %" PRId64 " has taken over", trial.attempt,
                       trial_id_number(row->trial));
    }
    if (row->end != ATTEMPT_LIVE && row->end != ATTEMPT_LOST) {
        return err_set(err, ERR_LEASE_ENDED,
                       "this lease is over: its attempt ended \"%s\", and its result names what "
                       "checkpoint it has",
                       attempt_end_name(row->end));
    }
    return 0;
}

static int begin(struct reception *reception, struct store *store, struct err *err)
{
    OWN(attempt_row) struct attempt_row row = {0};

    TRY(lease_row_load(reception->api, reception->request, store, &row, err));
    TRY(check_attempt(store, &row, err));
    reception->trial =
        (struct log_name){trial_id_study(row.trial), trial_id_number(row.trial), row.number};
    return upload_begin(reception->api->uploads, &reception->upload, err);
}

static int write_some(struct reception *reception, struct store *store, struct err *err)
{
    if (reception->upload == NULL) {
        TRY(begin(reception, store, err));
    }
    return upload_write(reception->upload, buf_text(&reception->writing), reception->writing.len,
                        err);
}

static void reply_created(struct reception *reception, const char *uri)
{
    struct http_response response;
    struct json_writer w;

    json_response(&response, 201, &w);
    json_object_begin(&w);
    json_put_string(&w, "uri", uri);
    json_put_int(&w, "bytes", upload_bytes(reception->upload));
    json_object_end(&w);
    http_reply(reception->request, &response);
}

static void conclude(struct reception *reception)
{
    char uri[UPLOAD_URI_BYTES];
    struct err *err = &reception->err;
    bool failed = reception->failed;

    if (!failed && upload_bytes(reception->upload) == 0) {
        (void)err_set(err, ERR_MALFORMED, "a checkpoint has at least one byte");
        failed = true;
    }
    if (failed
        || upload_finish(reception->upload, reception->trial.study, reception->trial.trial, uri,
                         err)
               != 0) {
        reply_problem(reception->request, err, NULL);
    } else {
        reply_created(reception, uri);
    }
}

static void swap_buffers_locked(struct reception *reception)
{
    struct buf filled = reception->filled;

    reception->filled = reception->writing;
    reception->writing = filled;
    buf_clear(&reception->filled);
    if (reception->paused) {
        reception->paused = false;
        http_receive_more(reception->request);
    }
}

/* Reader thread. What the last piece leaves running is ended by the answer. */
static void run_job(void *argument, struct store *store)
{
    struct reception *reception = argument;
    bool concludes = false;

    for (bool more = true; more;) {
        (void)pthread_mutex_lock(&reception->lock);
        if (!reception->closed) {
            swap_buffers_locked(reception);
        }
        bool closed = reception->closed;
        bool skips = reception->failed || closed;
        (void)pthread_mutex_unlock(&reception->lock);
        bool failed = !skips && write_some(reception, store, &reception->err) != 0;
        (void)pthread_mutex_lock(&reception->lock);
        buf_clear(&reception->writing);
        reception->failed = reception->failed || failed;
        closed = reception->closed;
        more = !closed && reception->filled.len > 0;
        concludes = !more && !closed && reception->complete;
        reception->running = more || concludes;
        (void)pthread_mutex_unlock(&reception->lock);
        if (closed) {
            reception_destroy(reception);
            return;
        }
    }
    if (concludes) {
        conclude(reception); /* deferred: the request ends with this answer */
    }
}

/* Under the lock. */
static void start_job(struct reception *reception)
{
    struct err err = {0};

    if (reception->running) {
        return;
    }
    reception->running = true;
    if (engine_read(reception->api->engine, run_job, reception, &err) != 0) {
        reception->running = false;
        reception->failed = true;
        reception->err = err;
    }
}

/* Loop thread. */
static enum http_taken take(void *context, const char *bytes, size_t len)
{
    struct reception *reception = context;
    enum http_taken taken = HTTP_TAKEN;

    (void)pthread_mutex_lock(&reception->lock);
    if (!reception->failed) {
        buf_append(&reception->filled, bytes, len);
    }
    if (reception->filled.failed) {
        reception->failed = true;
        (void)err_set(&reception->err, ERR_NOMEM, "the server is out of memory; repeat later");
    }
    if (!reception->failed && reception->filled.len >= FILLED_BYTES) {
        start_job(reception);
        reception->paused = reception->running;
        taken = reception->paused ? HTTP_TAKEN_WAIT : HTTP_TAKEN;
    }
    (void)pthread_mutex_unlock(&reception->lock);
    return taken;
}

/* Loop thread. */
static void complete(void *context, struct http_request *request)
{
    struct reception *reception = context;

    http_defer(request);
    (void)pthread_mutex_lock(&reception->lock);
    reception->complete = true;
    start_job(reception);
    bool answers = !reception->running;
    (void)pthread_mutex_unlock(&reception->lock);
    if (answers) {
        reply_problem(request, &reception->err, NULL);
    }
}

/* Loop thread. */
static void finish(void *context)
{
    struct reception *reception = context;

    (void)pthread_mutex_lock(&reception->lock);
    reception->closed = true;
    bool running = reception->running && !reception->complete;
    (void)pthread_mutex_unlock(&reception->lock);
    if (!running) {
        reception_destroy(reception);
    }
}

static struct reception *reception_create(struct api *api, struct http_request *request,
                                          struct err *err)
{
    struct reception *made = NULL;

    if (api->uploads == NULL) {
        (void)no_files(err);
        return NULL;
    }
    if (atomic_load(&api->n_receptions) >= AT_ONCE || (made = calloc(1, sizeof *made)) == NULL) {
        (void)err_set(err, ERR_OVERLOADED, "too many checkpoints are being received; try again");
        return NULL;
    }
    atomic_fetch_add(&api->n_receptions, 1);
    made->api = api;
    made->request = request;
    buf_init(&made->filled, BUFFER_BYTES);
    buf_init(&made->writing, BUFFER_BYTES);
    (void)pthread_mutex_init(&made->lock, NULL);
    return made;
}

void put_checkpoint(void *context, struct http_request *request)
{
    struct api *api = context;
    struct err err = {0};
    struct reception *reception = reception_create(api, request, &err);

    if (reception == NULL) {
        reply_problem(request, &err, NULL);
        return;
    }
    http_take_body(request,
                   &(struct http_receiver){.context = reception,
                                           .take = take,
                                           .complete = complete,
                                           .finish = finish,
                                           .bytes_max = (uint64_t)uploads_limit(api->uploads)});
}

/* ---- GET ---- */

struct granted {
    int64_t before; /* the attempt */
    char uri[CHECKPOINT_URI_BYTES];
};

static int note_checkpoint(void *context, struct attempt_row *row, struct err *err)
{
    struct granted *granted = context;
    json_auto_t *value = NULL;

    if (row->number >= granted->before || row->checkpoint == NULL) {
        return 0;
    }
    TRY(json_parse_own(row->checkpoint, &value, err));
    const char *uri = json_string_value(json_object_get(value, "uri"));
    (void)snprintf(granted->uri, sizeof granted->uri, "%s", uri == NULL ? "" : uri);
    return 0;
}

/* What the grant of the lease has named: the newest checkpoint of the attempts before. */
static int open_granted(struct read_request *read, int *fd, struct err *err)
{
    OWN(attempt_row) struct attempt_row row = {0};
    struct granted granted = {0};

    TRY(lease_row_load(read->api, read->request, read->store, &row, err));
    granted.before = row.number;
    TRY(store_each_attempt(read->store, row.trial, note_checkpoint, &granted, err));
    if (!checkpoint_uri_is_uploaded(granted.uri)) {
        return err_set(err, ERR_NOT_FOUND, "this lease goes on from no uploaded checkpoint");
    }
    return upload_open(read->api->uploads, trial_id_study(row.trial), trial_id_number(row.trial),
                       granted.uri, fd, err);
}

struct sending {
    int fd;
};

static int send_chunk(void *context, struct store *store, struct buf *out, bool *more,
                      struct err *err)
{
    static const size_t bytes_max = CHUNK_BYTES;
    const struct sending *sending = context;
    OWN(memory) char *bytes = malloc(bytes_max);

    (void)store;
    if (bytes == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    ssize_t got = read(sending->fd, bytes, bytes_max);
    if (got < 0) {
        return err_set(err, ERR_IO, "a checkpoint cannot be read: %s", strerror(errno));
    }
    buf_append(out, bytes, (size_t)got);
    *more = got > 0;
    return 0;
}

static void sending_destroy(void *context)
{
    struct sending *sending = context;

    (void)close(sending->fd);
    free(sending);
}

static int read_checkpoint(struct read_request *read, struct err *err)
{
    OWN(fd) int fd = -1;

    if (read->api->uploads == NULL) {
        return no_files(err);
    }
    TRY(open_granted(read, &fd, err));
    struct sending *sending = calloc(1, sizeof *sending);
    if (sending == NULL) {
        return err_set(err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
    }
    sending->fd = fd;
    fd = -1;
    const struct stream_source source = {
        .context = sending, .read_chunk = send_chunk, .destroy = sending_destroy};
    read->response.content_type = "application/octet-stream";
    read->is_answered = true;
    stream_reply(read->api, read->request, &read->response, &source);
    return 0;
}

static void run_get(void *request, struct store *store)
{
    static const struct read_kind kind = {.otherwise = FORMAT_JSON, .read = read_checkpoint};

    read_run(request, store, &kind);
}

void get_checkpoint(void *context, struct http_request *request)
{
    read_streamed(context, request, run_get);
}
