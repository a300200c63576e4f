/* Events as a stream, NDJSON, server-sent events or lines, from any number on, until the client
 * leaves. */
#include "server/api/events.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "server/api/event_line.h"
#include "server/api/read.h"
#include "server/api/request.h"
#include "server/api/stream.h"

#define EVENTS_PER_CHUNK 1000
#define HEARTBEAT_MS 15000
/* Bytes of measurements that wait for a slow client; the next ones are dropped. */
#define FRAMES_MAX ((size_t)256 << 10)

struct follower {
    struct api *api;
    int64_t study;         /* 0: all */
    char name[NAME_BYTES]; /* of that study */
    int64_t after;         /* everything up to here was looked at; the job's while one runs */
    int64_t purged;        /* events were removed up to here when it began */
    enum format format;
    struct event_lines lines; /* of text: the job's */
    _Atomic int64_t place;    /* `after`, for a heartbeat */
    bool has_caught_up;       /* of text: what there was is written */
    bool follows;             /* goes on after the last event there is */
    struct live_view *view;   /* the job's: names of studies */
    struct store *store;      /* the job's */
    struct buf *out;
    struct follower *next, **link; /* under the api's followers_lock; link NULL: not among them */
    struct buf frames;             /* under it too: measurements to send */
};

static void put_number_or_null(struct json_writer *w, const char *key, int64_t value)
{
    if (value > 0) {
        json_put_int(w, key, value);
    } else {
        json_put_null(w, key);
    }
}

static void write_event(const struct event_row *event, const struct live_view *view,
                        struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_int(&w, "seq", event->seq);
    json_put_string(&w, "kind", event_kind_name(event->kind));
    json_put_string(&w, "study", read_study_name(view, event->study));
    put_number_or_null(&w, "trial", event->trial);
    put_number_or_null(&w, "attempt", event->attempt);
    if (event->worker != NULL) {
        json_put_string(&w, "worker", event->worker);
    }
    if (event->detail != NULL) {
        json_put_string(&w, "detail", event->detail);
    }
    json_put_moment(&w, "at", event->at_ms);
    json_object_end(&w);
}

static int take_event(void *context, const struct event_row *event, struct err *err)
{
    struct follower *follower = context;
    struct buf *out = follower->out;
    bool is_sse = follower->format == FORMAT_SSE;

    if (follower->format == FORMAT_TEXT) {
        return event_line_write(&follower->lines, event, follower->view, follower->store, out, err);
    }
    if (is_sse) {
        buf_printf(out, "id: %" PRId64 "\nevent: %s\ndata: ", event->seq,
                   event_kind_name(event->kind));
    }
    write_event(event, follower->view, out);
    buf_puts(out, is_sse ? "\n\n" : "\n");
    return 0;
}

static int gone(int64_t after, int64_t purged, struct err *err)
{
    return err_set(err, ERR_EVENTS_GONE,
                   "events after %" PRId64 " were removed; read the studies anew, and go on with "
                   "after=%" PRId64,
                   after, purged);
}

/* A place that is yet to come, as after the restore of an older backup, is the newest event's. */
static int find_place(struct follower *follower, struct err *err)
{
    int64_t last;

    TRY(store_last_seq(follower->store, &last, err));
    follower->after = follower->after > last ? last : follower->after;
    return 0;
}

/* -1 where events after the follower's position were purged since the stream began. A client that
 * asks again with that position gets 410 with the same text. */
static int check_gap(struct follower *follower, struct err *err)
{
    int64_t purged;

    TRY(store_events_purged(follower->store, &purged, err));
    if (follower->after == 0) { /* from what there is on */
        follower->purged = purged;
    }
    if (follower->study != 0 || purged <= follower->purged || purged <= follower->after) {
        return 0;
    }
    (void)gone(follower->after, purged, err);
    if (follower->format == FORMAT_TEXT) {
        buf_printf(follower->out, "# %s\n", err->text);
    }
    return -1;
}

static int read_events(struct follower *follower, int64_t *looked_at, struct err *err)
{
    TRY(store_read_begin(follower->store, err));
    TRY(find_place(follower, err));
    TRY(check_gap(follower, err));
    return store_each_event(follower->store, follower->study, follower->after, EVENTS_PER_CHUNK,
                            take_event, follower, looked_at, err);
}

static int read_chunk(void *context, struct store *store, struct buf *out, bool *more,
                      struct err *err)
{
    struct follower *follower = context;
    int64_t looked_at;

    follower->out = out;
    follower->store = store;
    follower->view = engine_view(follower->api->engine);
    int result = read_events(follower, &looked_at, err);
    store_read_end(store);
    live_view_release(follower->view);
    if (result != 0) {
        return -1;
    }
    *more =
        looked_at - follower->after >= EVENTS_PER_CHUNK; /* both from 0, so it cannot overflow */
    follower->after = looked_at > follower->after ? looked_at : follower->after;
    atomic_store(&follower->place, follower->after);
    if (follower->format == FORMAT_TEXT && !*more && !follower->has_caught_up) {
        follower->has_caught_up = true;
        event_line_write_place(follower->after, out);
    }
    return 0;
}

static bool has_news(void *context)
{
    const struct follower *follower = context;

    return atomic_load(&follower->api->last_seq) > follower->after;
}

static void write_heartbeat(void *context, struct buf *out)
{
    struct follower *follower = context;

    if (follower->format == FORMAT_TEXT) {
        event_line_write_place(atomic_load(&follower->place), out);
    } else {
        buf_puts(out, follower->format == FORMAT_SSE ? ":\n\n" : "\n");
    }
}

/* ---- measurements: sent as they come, without a number, and not stored as events ---- */

static void write_frame(const struct measure_command *measure, const struct follower *follower,
                        struct buf *out)
{
    const struct clock *clock = follower->api->clock;
    bool sse = follower->format == FORMAT_SSE;
    struct json_writer w;

    if (follower->format == FORMAT_TEXT) {
        event_line_write_measured(measure, clock->wall_ms(clock), out);
        return;
    }

    buf_puts(out, sse ? "event: measurement\ndata: " : "");
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_string(&w, "kind", "measurement");
    json_put_string(&w, "study", measure->out.study);
    json_put_int(&w, "trial", measure->out.trial);
    json_put_int(&w, "attempt", measure->out.attempt);
    json_write_key(&w, "report");
    measurement_list_write(&measure->in.measurements, &w);
    json_object_end(&w);
    buf_puts(out, sse ? "\n\n" : "\n");
}

static bool is_measurement(const struct command *command)
{
    return command->kind == COMMAND_MEASURE && command->err.code == ERR_NONE
           && as_const_measure(command)->out.trial != 0
           && as_const_measure(command)->in.measurements.n > 0;
}

/* Under the lock. True if a follower wants it. */
static bool send_to_followers(struct api *api, const struct measure_command *measure)
{
    bool sent = false;

    for (struct follower *at = api->followers; at != NULL; at = at->next) {
        bool wants = at->study == 0 || strcmp(at->name, measure->out.study) == 0;
        if (wants && at->frames.len < FRAMES_MAX / 2) {
            write_frame(measure, at, &at->frames);
            sent = true;
        }
    }
    return sent;
}

void events_send_measurements(struct api *api, struct command *const commands[], size_t n)
{
    bool sent = false;

    if (atomic_load(&api->n_followers) == 0) {
        return;
    }
    (void)pthread_mutex_lock(&api->followers_lock);
    for (size_t i = 0; i < n; i++) {
        if (is_measurement(commands[i])) {
            sent = send_to_followers(api, as_measure(commands[i])) || sent;
        }
    }
    (void)pthread_mutex_unlock(&api->followers_lock);
    if (sent) {
        http_stream_wake(api->http, NULL);
    }
}

static void take_frames(void *context, struct buf *out)
{
    struct follower *follower = context;

    (void)pthread_mutex_lock(&follower->api->followers_lock);
    if (!follower->frames.failed) {
        buf_append(out, follower->frames.data, follower->frames.len);
    }
    buf_clear(&follower->frames);
    (void)pthread_mutex_unlock(&follower->api->followers_lock);
}

static void join_followers(struct follower *follower)
{
    struct api *api = follower->api;

    (void)pthread_mutex_lock(&api->followers_lock);
    follower->next = api->followers;
    follower->link = &api->followers;
    if (follower->next != NULL) {
        follower->next->link = &follower->next;
    }
    api->followers = follower;
    (void)pthread_mutex_unlock(&api->followers_lock);
    atomic_fetch_add(&api->n_followers, 1);
}

static void follower_destroy(void *context)
{
    struct follower *follower = context;
    struct api *api = follower->api;

    if (follower->link != NULL) {
        (void)pthread_mutex_lock(&api->followers_lock);
        *follower->link = follower->next;
        if (follower->next != NULL) {
            follower->next->link = follower->link;
        }
        (void)pthread_mutex_unlock(&api->followers_lock);
        atomic_fetch_sub(&api->n_followers, 1);
    }
    buf_finish(&follower->frames);
    free(follower);
}

/* ---- the request ---- */

static int read_after(const struct http_request *request, struct follower *follower,
                      struct err *err)
{
    const char *last_id = http_header(request, "Last-Event-ID");
    const char *after = last_id != NULL ? last_id : http_query(request, "after");

    if (after != NULL && strcmp(after, "now") == 0) {
        follower->after = atomic_load(&follower->api->last_seq);
    } else if (after != NULL && !integer_from_text(after, 0, INT64_MAX, &follower->after)) {
        return err_set(err, ERR_MALFORMED,
                       "after must be \"now\" or the sequence number of an event, such as 0");
    }
    return 0;
}

static int read_query(const struct http_request *request, struct follower *follower,
                      struct err *err)
{
    TRY(query_flag(request, "follow", true, &follower->follows, err));
    return read_after(request, follower, err);
}

static int of_lost_state(int64_t after, int64_t until, struct err *err)
{
    return err_set(err, ERR_EVENTS_GONE,
                   "the server goes on from an older state of its database than that of event "
                   "%" PRId64 "; read the studies anew, and go on with after=%" PRId64,
                   after, until);
}

/* A study that is there has all its events; of the others some may be missing. */
static int check_place(struct follower *follower, const struct live_view *view, struct err *err)
{
    int64_t purged = view->purged_seq;
    int64_t until = event_gaps_end(&view->event_gaps, follower->after);

    follower->purged = purged;
    if (until > 0) {
        return of_lost_state(follower->after, until, err);
    }
    if (follower->study != 0 || follower->after == 0 || follower->after >= purged) {
        return 0;
    }
    return gone(follower->after, purged, err);
}

static void start(struct read_request *read, struct follower *follower)
{
    const struct stream_source source = {.context = follower,
                                         .read_chunk = read_chunk,
                                         .has_news = follower->follows ? has_news : NULL,
                                         .heartbeat = write_heartbeat,
                                         .aside = follower->follows ? take_frames : NULL,
                                         .destroy = follower_destroy,
                                         .heartbeat_ms = HEARTBEAT_MS};

    if (follower->follows) {
        join_followers(follower);
    }
    read->is_answered = true;
    stream_reply(read->api, read->request, &read->response, &source);
}

static int start_events(struct read_request *read, struct err *err)
{
    struct follower *follower = calloc(1, sizeof *follower);

    if (follower == NULL) {
        return err_set(err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
    }
    follower->api = read->api;
    follower->format = read->format;
    if (read->study != NULL) {
        follower->study = read->study->id;
        (void)snprintf(follower->name, sizeof follower->name, "%s", read->study->name);
    }
    buf_init(&follower->frames, FRAMES_MAX);
    if (read_query(read->request, follower, err) != 0
        || check_place(follower, read->view, err) != 0) {
        follower_destroy(follower);
        return -1;
    }
    if (!http_may_stream(read->request)) {
        follower_destroy(follower);
        return err_set(err, ERR_OVERLOADED, "too many clients follow events; try again later");
    }
    start(read, follower);
    return 0;
}

static const char *const events_query[] = {"after", "follow", NULL};

STREAM_HANDLER(get_events,
               FORMAT_BIT(FORMAT_NDJSON) | FORMAT_BIT(FORMAT_SSE) | FORMAT_BIT(FORMAT_TEXT),
               FORMAT_NDJSON, events_query, start_events)
