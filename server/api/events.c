/* What happens, as a stream: NDJSON or server-sent events, from any number on, for as long as the
 * client listens. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "server/api/resources.h"
#include "server/api/slices.h"

#define EVENTS_A_SLICE 1000
#define HEARTBEAT_MS 15000

#define FRAMES_MAX                                                                                 \
    ((size_t)256 << 10) /* measurements that wait for a slow reader; then dropped                  \
                         */

struct follower {
    struct api *api;
    int64_t study;         /* 0: all */
    char name[NAME_BYTES]; /* of that study */
    int64_t after;         /* everything up to here was looked at; the job's while one runs */
    bool sse;
    bool follows;           /* goes on after the last event there is */
    struct live_view *view; /* the job's: names of studies */
    struct buf *out;
    struct follower *next, **link; /* under the api's followers_lock; link NULL: not among them */
    struct buf frames;             /* under it too: measurements to tell */
};

static const char *name_in(const struct live_view *view, int64_t id)
{
    for (size_t i = 0; i < view->n_studies; i++) {
        if (view->studies[i].id == id) {
            return view->studies[i].name;
        }
    }
    return NULL; /* deleted since */
}

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
    json_put_string(&w, "study", name_in(view, event->study));
    put_number_or_null(&w, "trial", event->trial);
    put_number_or_null(&w, "attempt", event->attempt);
    json_put_moment(&w, "at", event->at_ms);
    json_object_end(&w);
}

static int take_event(void *context, const struct event_row *event, struct err *err)
{
    struct follower *follower = context;
    struct buf *out = follower->out;

    (void)err;
    if (follower->sse) {
        buf_printf(out, "id: %" PRId64 "\nevent: %s\ndata: ", event->seq,
                   event_kind_name(event->kind));
    }
    write_event(event, follower->view, out);
    buf_puts(out, follower->sse ? "\n\n" : "\n");
    return 0;
}

static int read_slice(void *context, struct store *store, struct buf *out, bool *more,
                      struct err *err)
{
    struct follower *follower = context;
    int64_t looked_at = follower->after;

    follower->out = out;
    follower->view = engine_view(follower->api->engine);
    int result = store_each_event(store, follower->study, follower->after, EVENTS_A_SLICE,
                                  take_event, follower, &looked_at, err);
    live_view_release(follower->view);
    if (result != 0) {
        return -1;
    }
    *more = looked_at - follower->after >= EVENTS_A_SLICE; /* both from 0, so it cannot overflow */
    follower->after = looked_at > follower->after ? looked_at : follower->after;
    return 0;
}

static bool has_news(void *context)
{
    const struct follower *follower = context;

    return atomic_load(&follower->api->last_seq) > follower->after;
}

static void beat(void *context, struct buf *out)
{
    const struct follower *follower = context;

    buf_puts(out, follower->sse ? ":\n\n" : "\n");
}

/* ---- measurements: told as they come, without a number, and not again ---- */

static void write_frame(const struct command *command, bool sse, struct buf *out)
{
    struct json_writer w;

    buf_puts(out, sse ? "event: measurement\ndata: " : "");
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_string(&w, "kind", "measurement");
    json_put_string(&w, "study", command->study);
    json_put_int(&w, "trial", command->trial);
    json_put_int(&w, "attempt", command->attempt);
    json_write_key(&w, "report");
    measurement_list_write(&command->measurements, &w);
    json_object_end(&w);
    buf_puts(out, sse ? "\n\n" : "\n");
}

static bool is_measurement(const struct command *command)
{
    return command->kind == COMMAND_MEASURE && command->err.code == ERR_NONE && command->trial != 0
           && command->measurements.n > 0;
}

/* Under the lock. True if anybody wants it. */
static bool tell_followers(struct api *api, const struct command *command)
{
    bool told = false;

    for (struct follower *at = api->followers; at != NULL; at = at->next) {
        bool wants = at->study == 0 || strcmp(at->name, command->study) == 0;
        if (wants && at->frames.len < FRAMES_MAX / 2) {
            write_frame(command, at->sse, &at->frames);
            told = true;
        }
    }
    return told;
}

void events_tell_measurements(struct api *api, struct command *const commands[], size_t n)
{
    bool told = false;

    if (atomic_load(&api->n_followers) == 0) {
        return;
    }
    (void)pthread_mutex_lock(&api->followers_lock);
    for (size_t i = 0; i < n; i++) {
        if (is_measurement(commands[i])) {
            told = tell_followers(api, commands[i]) || told;
        }
    }
    (void)pthread_mutex_unlock(&api->followers_lock);
    if (told) {
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

static int read_study(const struct http_request *request, struct follower *follower,
                      struct err *err)
{
    if (strstr(http_matched(request)->path, "{study}") == NULL) {
        return 0;
    }
    struct live_view *view = engine_view(follower->api->engine);
    const struct live_study_view *study = live_view_study(view, http_param(request, "study"));
    follower->study = study == NULL ? 0 : study->id;
    (void)snprintf(follower->name, sizeof follower->name, "%s", study == NULL ? "" : study->name);
    live_view_release(view);
    if (follower->study == 0) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no study \"%.70s\"; GET /v1/studies lists them",
                       http_param(request, "study"));
    }
    return 0;
}

static int read_request(struct http_request *request, struct follower *follower, struct err *err)
{
    static const char *const known[] = {"after", "follow", NULL};
    enum format format;

    TRY(query_check(request, known, err));
    TRY(request_format(request, FORMAT_BIT(FORMAT_NDJSON) | FORMAT_BIT(FORMAT_SSE), &format, err));
    follower->sse = format == FORMAT_SSE;
    TRY(query_flag(request, "follow", true, &follower->follows, err));
    TRY(read_after(request, follower, err));
    TRY(read_study(request, follower, err));
    if (!http_may_stream(request)) {
        return err_set(err, ERR_OVERLOADED, "too many clients follow events; try again later");
    }
    return 0;
}

static void start(struct api *api, struct http_request *request, struct follower *follower)
{
    struct http_response response;
    const struct slices_source source = {.context = follower,
                                         .slice = read_slice,
                                         .has_news = follower->follows ? has_news : NULL,
                                         .beat = beat,
                                         .aside = follower->follows ? take_frames : NULL,
                                         .destroy = follower_destroy,
                                         .heartbeat_ms = HEARTBEAT_MS};

    if (follower->follows) {
        join_followers(follower);
    }
    http_response_init(&response, 200,
                       follower->sse ? "text/event-stream" : "application/x-ndjson");
    slices_reply(api, request, &response, &source);
}

void get_events(void *context, struct http_request *request)
{
    struct follower *follower = calloc(1, sizeof *follower);
    struct err err = {0};

    if (follower == NULL) {
        (void)err_set(&err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
        reply_problem(request, &err, NULL);
        return;
    }
    follower->api = context;
    buf_init(&follower->frames, FRAMES_MAX);
    if (read_request(request, follower, &err) != 0) {
        follower_destroy(follower);
        reply_problem(request, &err, NULL);
        return;
    }
    start(context, request, follower);
}
