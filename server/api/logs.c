/* Logs go in by the piece and come out as plain text, on request until their attempt has ended. */
#include "server/api/logs.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/screen_text.h"
#include "server/api/json.h"
#include "server/api/keep_files.h"
#include "server/api/lease_row.h"
#include "server/api/problem.h"
#include "server/api/read.h"
#include "server/api/request.h"
#include "server/api/stream.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define SHOWN_BYTES (8 * CHUNK_BYTES) /* of a chunk, for a terminal */
#define LOOK_MS 1000                  /* a follower looks whether the attempt has ended */
#define LAST_WORDS_MS 10000           /* after the end of an attempt, for what it printed last */
#define TAIL_LINES_MAX 1000000

static int no_files(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND,
                   "this server has no data directory, so it keeps no logs and no checkpoints");
}

/* ---- POST /v1/leases/{lease}/log ---- */

static int read_piece(const struct http_request *request, struct log_piece *piece, struct err *err)
{
    static const char *const known[] = {"offset", "skip", "end", NULL};
    const struct buf *body = http_body(request);

    *piece = (struct log_piece){.bytes = buf_text(body), .len = body->len};
    TRY(query_check(request, known, err));
    TRY(query_int(request, "offset", 0, 0, INT64_MAX / 2, &piece->offset, err));
    TRY(query_flag(request, "skip", false, &piece->skips, err));
    return query_flag(request, "end", false, &piece->ends, err);
}

static int take_piece(struct api *api, struct http_request *request, struct store *store,
                      int64_t *next_offset, struct err *err)
{
    OWN(attempt_row) struct attempt_row row = {0};
    struct log_piece piece;

    if (api->logs == NULL) {
        return no_files(err);
    }
    TRY(read_piece(request, &piece, err));
    TRY(lease_row_load(api, request, store, &row, err));
    const struct log_name name = {.study = trial_id_study(row.trial),
                                  .trial = trial_id_number(row.trial),
                                  .attempt = row.number};
    return logs_append(api->logs, &name, &piece, next_offset, err);
}

/* Reader thread. */
static void run_post(void *argument, struct store *store)
{
    struct http_request *request = argument;
    struct api *api = http_context(request);
    struct http_response response;
    struct json_writer w;
    struct err err = {0};
    int64_t next_offset = 0;

    if (take_piece(api, request, store, &next_offset, &err) != 0) {
        reply_problem(request, &err, NULL);
        return;
    }
    json_response(&response, 200, &w);
    json_object_begin(&w);
    json_put_int(&w, "next_offset", next_offset);
    json_put_int(&w, "limit", logs_limit(api->logs));
    json_object_end(&w);
    http_reply(request, &response);
    keep_files_if_due(api);
}

void post_log(void *context, struct http_request *request)
{
    read_later(context, request, run_post);
}

/* ---- GET …/log ---- */

struct log_follower {
    struct api *api;
    struct log_watch watch;
    int64_t offset;
    bool follows;
    bool for_screen;
    bool in_pieces;
    bool has_begun; /* the first piece was written */
    struct screen_text text;
    atomic_bool over;  /* nothing will come */
    int64_t looked_ms; /* loop thread: when a chunk was last asked for */
};

struct attempt_found {
    int64_t wanted; /* 0: the newest */
    int64_t number; /* 0: there is none */
    bool is_live;
    int64_t ended_at_ms;
};

static int note_attempt(void *context, struct attempt_row *row, struct err *err)
{
    struct attempt_found *found = context;

    (void)err;
    if (found->wanted == 0 || found->wanted == row->number) {
        found->number = row->number;
        found->is_live = row->end == ATTEMPT_LIVE;
        found->ended_at_ms = row->ended_at_ms;
    }
    return 0;
}

/* Will its worker send nothing more? */
static bool is_silent(const struct log_follower *follower, const struct attempt_found *attempt)
{
    int64_t now_ms = follower->api->clock->wall_ms(follower->api->clock);

    return !attempt->is_live && now_ms - attempt->ended_at_ms > LAST_WORDS_MS;
}

/* The text of a chunk, in an answer that says of each piece where it ends, and of the log when. */
static void append_text(struct log_follower *follower, const struct buf *text, bool over,
                        struct buf *out)
{
    if (!follower->in_pieces) {
        buf_append(out, text->data, text->len);
        return;
    }
    if (text->len > 0 || !follower->has_begun) {
        buf_printf(out, "piece %" PRId64 " %" PRId64 " %zu\n", follower->watch.name.attempt,
                   follower->offset, text->len);
        buf_append(out, text->data, text->len);
        follower->has_begun = true;
    }
    if (over) {
        buf_puts(out, "end\n");
    }
}

/* Reader thread. */
static int read_chunk(void *context, struct store *store, struct buf *out, bool *more,
                      struct err *err)
{
    struct log_follower *follower = context;
    const struct log_name *name = &follower->watch.name;
    struct attempt_found attempt = {.wanted = name->attempt};
    struct log_read read = {.offset = follower->offset, .most = CHUNK_BYTES};
    OWN(buf) struct buf bytes;
    OWN(buf) struct buf shown;

    buf_init(&bytes, CHUNK_BYTES + 256);
    buf_init(&shown, SHOWN_BYTES);
    if (follower->follows) { /* before the log: what comes until the end is read then */
        TRY(store_each_attempt(store, trial_id(name->study, name->trial), note_attempt, &attempt,
                               err));
    }
    TRY(logs_read(follower->api->logs, name, &read, &bytes, err));
    TRY(buf_check(&bytes, err));
    follower->offset = read.offset;
    *more = !read.at_end;
    bool over = read.at_end && (!follower->follows || read.ended || is_silent(follower, &attempt));
    if (follower->for_screen) {
        screen_text_append(&follower->text, buf_text(&bytes), bytes.len, &shown);
        if (over) {
            screen_text_end(&follower->text, &shown);
        }
    }
    TRY(buf_check(&shown, err));
    append_text(follower, follower->for_screen ? &shown : &bytes, over, out);
    atomic_store(&follower->over, over);
    return 0;
}

static bool has_news(void *context)
{
    struct log_follower *follower = context;
    int64_t now_ms = follower->api->clock->monotonic_ms(follower->api->clock);

    if (!atomic_exchange(&follower->watch.changed, false)
        && now_ms - follower->looked_ms < LOOK_MS) {
        return false;
    }
    follower->looked_ms = now_ms;
    return true;
}

static bool is_over(void *context)
{
    return atomic_load(&((struct log_follower *)context)->over);
}

static void wake(void *context)
{
    struct log_follower *follower = context;

    http_stream_wake(follower->api->http, NULL);
}

static void follower_destroy(void *context)
{
    struct log_follower *follower = context;

    logs_unwatch(follower->api->logs, &follower->watch);
    free(follower);
}

struct log_query {
    int64_t attempt; /* 0: the newest */
    int64_t tail;    /* -1: everything */
    int64_t offset;  /* -1: not said */
    bool follows;
    bool in_pieces;
};

static int read_query(const struct http_request *request, struct log_query *query, struct err *err)
{
    TRY(query_int(request, "attempt", 0, 1, INT32_MAX, &query->attempt, err));
    TRY(query_int(request, "tail", -1, 0, TAIL_LINES_MAX, &query->tail, err));
    TRY(query_int(request, "offset", -1, 0, INT64_MAX / 2, &query->offset, err));
    if (query->tail >= 0 && query->offset >= 0) {
        return err_set(err, ERR_MALFORMED,
                       "a log begins at an offset or with the last lines: "
                       "leave out ?offset= or ?tail=");
    }
    TRY(query_flag(request, "pieces", false, &query->in_pieces, err));
    return query_flag(request, "follow", false, &query->follows, err);
}

static int find_attempt(struct read_request *read, const struct log_query *query,
                        struct attempt_found *found, struct err *err)
{
    OWN(trial_row) struct trial_row row = {0};
    int64_t id = trial_id(read->study->id, read->trial);

    *found = (struct attempt_found){.wanted = query->attempt};
    TRY(store_trial_load(read->store, id, &row, err));
    TRY(store_each_attempt(read->store, id, note_attempt, found, err));
    if (found->number != 0) {
        return 0;
    }
    if (query->attempt != 0) {
        return err_set(err, ERR_NOT_FOUND, "trial %" PRId64 " has no attempt %" PRId64, read->trial,
                       query->attempt);
    }
    return err_set(err, ERR_NOT_FOUND,
                   "no worker has had trial %" PRId64 " yet, so it has printed nothing",
                   read->trial);
}

/* A live attempt may print later; of one that is over a log that is not here will not come. */
static int check_log(const struct log_follower *follower, const struct attempt_found *attempt,
                     struct err *err)
{
    const struct log_name *name = &follower->watch.name;
    struct log_read read = {.most = 0};
    OWN(buf) struct buf nothing;

    buf_init(&nothing, 256);
    TRY(logs_read(follower->api->logs, name, &read, &nothing, err));
    if (!read.exists && is_silent(follower, attempt)) {
        return err_set(err, ERR_NOT_FOUND,
                       "no log of attempt %" PRId64 " of trial %" PRId64 " is kept: its worker "
                       "sent none, or it was removed to make room",
                       name->attempt, name->trial);
    }
    return 0;
}

static struct log_follower *follower_create(const struct read_request *read,
                                            const struct log_query *query, int64_t attempt)
{
    struct log_follower *follower = calloc(1, sizeof *follower);

    if (follower == NULL) {
        return NULL;
    }
    follower->api = read->api;
    follower->follows = query->follows;
    follower->in_pieces = query->in_pieces;
    follower->offset = query->offset > 0 ? query->offset : 0;
    follower->for_screen = read->format == FORMAT_TABLE;
    follower->watch = (struct log_watch){
        .name = {.study = read->study->id, .trial = read->trial, .attempt = attempt},
        .wake = wake,
        .context = follower};
    return follower;
}

static void start(struct read_request *read, struct log_follower *follower)
{
    const struct stream_source source = {.context = follower,
                                         .read_chunk = read_chunk,
                                         .has_news = follower->follows ? has_news : NULL,
                                         .is_over = is_over,
                                         .heartbeat_ms = follower->follows ? LOOK_MS : 0,
                                         .destroy = follower_destroy};

    if (follower->follows) {
        logs_watch(follower->api->logs, &follower->watch);
    }
    http_response_header(&read->response, "Hone-Attempt", "%" PRId64, follower->watch.name.attempt);
    read->is_answered = true;
    stream_reply(read->api, read->request, &read->response, &source);
}

/* The last lines are mostly few: what one chunk holds is the answer. *is_short: it is there, else
 * the follower stands where it was. */
static int read_short(struct read_request *read, struct log_follower *follower, bool *is_short,
                      struct err *err)
{
    const struct log_follower before = *follower;
    bool more;

    TRY(read_chunk(follower, read->store, &read->response.body, &more, err));
    *is_short = !more;
    if (more) {
        buf_clear(&read->response.body);
        follower->offset = before.offset;
        follower->has_begun = before.has_begun;
        follower->text = before.text;
        return 0;
    }
    http_response_header(&read->response, "Hone-Attempt", "%" PRId64, follower->watch.name.attempt);
    return 0;
}

static int read_log(struct read_request *read, struct err *err)
{
    struct log_query query;
    struct attempt_found attempt;

    if (read->api->logs == NULL) {
        return no_files(err);
    }
    TRY(read_query(read->request, &query, err));
    TRY(find_attempt(read, &query, &attempt, err));
    OWN(memory) struct log_follower *follower = follower_create(read, &query, attempt.number);
    if (follower == NULL) {
        return err_set(err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
    }
    TRY(check_log(follower, &attempt, err));
    if (query.tail >= 0) {
        TRY(logs_last_lines(read->api->logs, &follower->watch.name, query.tail, &follower->offset,
                            err));
        bool is_short = false;
        if (!query.follows) {
            TRY(read_short(read, follower, &is_short, err));
        }
        if (is_short) {
            return 0;
        }
    }
    start(read, follower);
    follower = NULL;
    return 0;
}

static void run_get(void *request, struct store *store)
{
    static const char *const query[] = {"attempt", "tail", "offset", "follow", "pieces", NULL};
    static const struct read_kind kind = {.formats =
                                              FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_TABLE),
                                          .otherwise = FORMAT_TEXT,
                                          .query = query,
                                          .read = read_log};

    read_run(request, store, &kind);
}

void get_log(void *context, struct http_request *request)
{
    read_streamed(context, request, run_get);
}
