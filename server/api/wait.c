#include "server/api/wait.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "server/api/problem.h"
#include "server/api/request.h"

#define WAIT_MOST_MS 60000
#define EVENTS_A_SCAN 1000
#define EVENTS_OF_A_TAG 10000 /* looked at for one; beyond that the study is taken as changed */

struct waiter {
    struct api *api;
    void (*job)(void *request, struct store *reader);
    struct waiter *next, **link;
    /* under the api's waiters_lock */
    int64_t study;
    char name[NAME_BYTES]; /* of the study */
    int64_t trial;         /* 0: any */
    int64_t after;         /* the events up to here were looked at */
    bool found;
};

/* ---- the events, looked at for all waiters together ---- */

struct scanned {
    int64_t study, trial, seq;
};

struct event_scan {
    int64_t from; /* the events after it */
    size_t n;
    struct scanned events[EVENTS_A_SCAN];
};

static int note_event(void *context, const struct event_row *event, struct err *err)
{
    struct event_scan *scan = context;

    (void)err;
    if (scan->n < EVENTS_A_SCAN) {
        scan->events[scan->n++] = (struct scanned){event->study, event->trial, event->seq};
    }
    return 0;
}

static bool concerns(const struct waiter *waiter, const struct scanned *event)
{
    return event->seq > waiter->after && event->study == waiter->study
           && (waiter->trial == 0 || event->trial == 0 || event->trial == waiter->trial);
}

/* Under the lock. Those that came later with an earlier number wait for the next scan. */
static void apply(struct api *api, const struct event_scan *scan, int64_t looked_at)
{
    for (struct waiter *at = api->waiters; at != NULL; at = at->next) {
        if (at->after < scan->from) {
            continue;
        }
        for (size_t i = 0; i < scan->n && !at->found; i++) {
            at->found = concerns(at, &scan->events[i]);
        }
        at->after = looked_at > at->after ? looked_at : at->after;
    }
}

/* Under the lock: the lowest number that a waiter has; -1: there is none. */
static int64_t lowest_after(const struct api *api)
{
    int64_t lowest = -1;

    for (const struct waiter *at = api->waiters; at != NULL; at = at->next) {
        if (!at->found && (lowest < 0 || at->after < lowest)) {
            lowest = at->after;
        }
    }
    return lowest;
}

/* Reader thread. */
static void scan_job(void *context, struct store *store)
{
    struct api *api = context;
    OWN(memory) struct event_scan *scan = calloc(1, sizeof *scan);
    struct err err = {0};
    int64_t looked_at = 0;

    (void)pthread_mutex_lock(&api->waiters_lock);
    int64_t from = lowest_after(api);
    (void)pthread_mutex_unlock(&api->waiters_lock);
    bool can = scan != NULL && from >= 0;
    if (can) {
        scan->from = from;
        can = store_each_event(store, 0, from, EVENTS_A_SCAN, note_event, scan, &looked_at, &err)
              == 0;
    }
    (void)pthread_mutex_lock(&api->waiters_lock);
    if (can) {
        apply(api, scan, looked_at);
    }
    api->waiters_scan = false;
    (void)pthread_mutex_unlock(&api->waiters_lock);
    if (can) {
        http_stream_wake(api->http, NULL);
    }
}

/* Loop thread, under the lock. */
static void start_scan(struct api *api)
{
    struct err err;

    if (!api->waiters_scan && engine_read(api->engine, scan_job, api, &err) == 0) {
        api->waiters_scan = true; /* else with the next event */
    }
}

/* ---- a waiter ---- */

static bool is_over(void *context)
{
    struct waiter *waiter = context;
    struct api *api = waiter->api;

    (void)pthread_mutex_lock(&api->waiters_lock);
    if (!waiter->found && atomic_load(&api->last_seq) > waiter->after) {
        start_scan(api);
    }
    bool found = waiter->found;
    (void)pthread_mutex_unlock(&api->waiters_lock);
    return found;
}

static void join(struct waiter *waiter)
{
    struct api *api = waiter->api;

    (void)pthread_mutex_lock(&api->waiters_lock);
    waiter->next = api->waiters;
    waiter->link = &api->waiters;
    if (waiter->next != NULL) {
        waiter->next->link = &waiter->next;
    }
    api->waiters = waiter;
    (void)pthread_mutex_unlock(&api->waiters_lock);
    atomic_fetch_add(&api->n_waiters, 1);
}

static void leave(struct waiter *waiter)
{
    struct api *api = waiter->api;

    (void)pthread_mutex_lock(&api->waiters_lock);
    *waiter->link = waiter->next;
    if (waiter->next != NULL) {
        waiter->next->link = waiter->link;
    }
    (void)pthread_mutex_unlock(&api->waiters_lock);
    atomic_fetch_sub(&api->n_waiters, 1);
}

static void read_deferred(struct api *api, struct http_request *request,
                          void (*job)(void *request, struct store *reader))
{
    struct err err;

    if (engine_read(api->engine, job, request, &err) != 0) {
        reply_problem(request, &err, NULL);
    }
}

static void end_wait(void *context, struct http_request *request)
{
    struct waiter *waiter = context;

    leave(waiter);
    if (request != NULL) {
        read_deferred(waiter->api, request, waiter->job);
    }
    free(waiter);
}

void wait_note_measurements(struct api *api, struct command *const commands[], size_t n)
{
    bool found = false;

    if (atomic_load(&api->n_waiters) == 0) {
        return;
    }
    (void)pthread_mutex_lock(&api->waiters_lock);
    for (size_t i = 0; i < n; i++) {
        if (commands[i]->kind != COMMAND_MEASURE || commands[i]->err.code != ERR_NONE) {
            continue;
        }
        const struct measure_command *measure = as_const_measure(commands[i]);
        for (struct waiter *at = api->waiters; at != NULL; at = at->next) {
            if (at->trial != 0 && at->trial == measure->out.trial
                && strcmp(at->name, measure->out.study) == 0) {
                at->found = true;
                found = true;
            }
        }
    }
    (void)pthread_mutex_unlock(&api->waiters_lock);
    if (found) {
        http_stream_wake(api->http, NULL);
    }
}

/* ---- tags ---- */

bool wait_tag_revision(const char *text, int64_t *revision)
{
    int64_t seq;
    bool quoted = text[0] == '"';

    text += quoted ? 1 : 0;
    if (!integer_read(&text, 1, INT64_MAX, revision)) {
        return false;
    }
    if (text[0] == '-') {
        text++;
        if (text[0] == '-' || !integer_read(&text, 0, INT64_MAX, &seq)) {
            return false;
        }
    }
    return strcmp(text, quoted ? "\"" : "") == 0;
}

/* What If-None-Match says of the tags of a study, REVISION-SEQ. */
struct known_tag {
    bool any; /* "*": whatever there is, the client has it */
    bool there;
    int64_t revision, seq; /* the newest of its tags */
};

/* One tag at the start of `text`; false: it is none of ours. */
static bool read_one_tag(const char *text, int64_t *revision, int64_t *seq)
{
    text += strncmp(text, "W/", 2) == 0 ? 2 : 0;
    if (*text++ != '"' || !integer_read(&text, 1, INT64_MAX, revision) || *text++ != '-') {
        return false;
    }
    if (text[0] == '-' || !integer_read(&text, 0, INT64_MAX, seq) || *text++ != '"') {
        return false;
    }
    text += strspn(text, " \t");
    return *text == '\0' || *text == ',';
}

static struct known_tag read_tags(const struct http_request *request)
{
    const char *at = http_header(request, "If-None-Match");
    struct known_tag known = {0};
    int64_t revision, seq;

    for (at = at == NULL ? "" : at; *at != '\0'; at += *at == ',' ? 1 : 0) {
        at += strspn(at, " \t");
        size_t len = strcspn(at, ", \t");
        known.any |= len == 1 && *at == '*';
        if (read_one_tag(at, &revision, &seq)
            && (!known.there || revision > known.revision
                || (revision == known.revision && seq > known.seq))) {
            known.there = true;
            known.revision = revision;
            known.seq = seq;
        }
        at += strcspn(at, ",");
    }
    return known;
}

static int found_event(void *context, const struct event_row *event, struct err *err)
{
    (void)context;
    (void)event;
    (void)err;
    return 1;
}

/* Has anything happened to the study after `from`, up to `seq`? */
static int has_happened(const struct read_request *read, int64_t from, int64_t seq, bool *happened,
                        struct err *err)
{
    int64_t looked_at = 0;

    *happened = true;
    if (from > seq || seq - from > EVENTS_OF_A_TAG) {
        return 0;
    }
    int found = store_each_event(read->store, read->study->id, from, EVENTS_OF_A_TAG, found_event,
                                 NULL, &looked_at, err);
    *happened = found == 1;
    return found < 0 ? -1 : 0;
}

static int tag_seq(struct read_request *read, int64_t *seq, struct err *err)
{
    TRY(store_last_seq(read->store, seq, err));
    http_response_header(&read->response, "Server-Seq", "%" PRId64, *seq);
    return 0;
}

int wait_tag_study(struct read_request *read, int64_t revision, bool *unchanged, struct err *err)
{
    struct known_tag known = read_tags(read->request);
    int64_t seq;
    bool happened = !known.any;

    TRY(tag_seq(read, &seq, err));
    http_response_header(&read->response, "ETag", "\"%" PRId64 "-%" PRId64 "\"", revision, seq);
    if (happened && known.there && known.revision == revision) {
        TRY(has_happened(read, known.seq, seq, &happened, err));
    }
    *unchanged = !happened;
    if (*unchanged) {
        read->response.status = 304;
        read->response.content_type = NULL;
        read->is_shown = true; /* there is nothing to show */
    }
    return 0;
}

int wait_tag(struct read_request *read, struct err *err)
{
    int64_t seq;

    return tag_seq(read, &seq, err);
}

/* ---- the request ---- */

/* "30", "30s", "0.5" or "5e-1", as JSON may write a number. */
static int read_wait(const char *text, int64_t *wait_ms, struct err *err)
{
    char *end;
    double seconds = strtod(text, &end);
    bool is_plain = text[0] != '+' && strspn(text, "+-0123456789.eE") == (size_t)(end - text);

    end += *end == 's' ? 1 : 0;
    if (!is_plain || end == text || *end != '\0'
        || !(seconds >= 0 && seconds <= (double)WAIT_MOST_MS / 1000)) {
        return err_set(err, ERR_MALFORMED, "wait is a number of seconds from 0 to %d",
                       WAIT_MOST_MS / 1000);
    }
    *wait_ms = (int64_t)(seconds * 1000);
    return 0;
}

static int read_after(const struct api *api, const struct http_request *request, int64_t *after,
                      struct err *err)
{
    const char *text = http_query(request, "after");

    *after = atomic_load(&api->last_seq);
    if (text == NULL) {
        struct known_tag known = read_tags(request);
        *after = known.there ? known.seq : *after;
        return 0;
    }
    if (!integer_from_text(text, 0, INT64_MAX, after)) {
        return err_set(err, ERR_MALFORMED,
                       "after must be the number of an event, as Server-Seq has it");
    }
    return 0;
}

/* Fills the waiter; *wait_ms is 0 where there is nothing to wait for. */
static int read_request(struct api *api, struct http_request *request, struct waiter *waiter,
                        int64_t *wait_ms, struct err *err)
{
    const char *name = http_param(request, "study");
    struct live_view *view = engine_view(api->engine);
    const struct live_study_view *study = live_view_study(view, name);

    if (study == NULL) {
        *wait_ms = 0; /* the read says so */
    } else {
        waiter->study = study->id;
        memcpy(waiter->name, study->name, sizeof waiter->name);
    }
    live_view_release(view);
    TRY(request_trial(request, &waiter->trial, err));
    TRY(read_after(api, request, &waiter->after, err));
    int64_t behind = atomic_load(&api->last_seq) - waiter->after;
    if (behind < 0 || behind > EVENTS_OF_A_TAG) {
        *wait_ms = 0; /* of another database, or too old to look for */
    }
    return 0;
}

static void start_wait(struct api *api, struct http_request *request, struct waiter *waiter,
                       int64_t wait_ms)
{
    int64_t now_ms = api->clock->monotonic_ms(api->clock);
    const struct http_wait wait = {
        .context = waiter, .is_over = is_over, .end = end_wait, .due_ms = now_ms + wait_ms};

    join(waiter);
    http_wait(request, &wait);
}

static int start(struct api *api, struct http_request *request, const char *text,
                 void (*job)(void *request, struct store *reader), struct err *err)
{
    OWN(memory) struct waiter *waiter = calloc(1, sizeof *waiter);
    int64_t wait_ms = 0;

    if (waiter == NULL) {
        return err_set(err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
    }
    TRY(read_wait(text, &wait_ms, err));
    TRY(read_request(api, request, waiter, &wait_ms, err));
    if (wait_ms == 0) {
        read_later(api, request, job);
        return 0;
    }
    if (!http_may_stream(request)) {
        http_set_note(request, READ_NOTE_NO_PLACE);
        read_later(api, request, job);
        return 0;
    }
    waiter->api = api;
    waiter->job = job;
    start_wait(api, request, waiter, wait_ms);
    waiter = NULL;
    return 0;
}

void wait_then_read(struct api *api, struct http_request *request,
                    void (*job)(void *request, struct store *reader))
{
    const char *text = http_query(request, "wait");
    int64_t after;
    struct err err;

    if (text != NULL ? start(api, request, text, job, &err) != 0
                     : read_after(api, request, &after, &err) != 0) {
        reply_problem(request, &err, NULL);
    } else if (text == NULL) {
        read_later(api, request, job);
    }
}
