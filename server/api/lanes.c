#include "server/api/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "server/analysis/lanes.h"
#include "server/analysis/slots_wanted.h"
#include "server/api/json.h"
#include "server/api/list.h"
#include "server/api/request.h"
#include "server/state/node_health.h"
#include "server/store/spans.h"

#define WINDOW_DEFAULT_MS (INT64_C(6) * 3600 * 1000)
#define SPANS_MAX 20000           /* in an answer: the newest ones */
#define ATTEMPTS_LOOKED_AT 200000 /* the newest ones */
#define EVENTS_LOOKED_AT 50000    /* the same */
#define UNKNOWN_YET INT64_MAX     /* no event was looked at */

/* Why workers wait now, as far as their studies tell. */
struct idleness {
    int64_t n_running, n_paused; /* studies */
    bool has_work;               /* some study could keep more slots busy */
    char detail[200];            /* "": none */
};

struct lanes_read {
    struct read_request *read;
    struct live_view *view;              /* of this moment; held */
    const struct live_study_view *study; /* NULL: all */
    int64_t now_ms, from_ms, to_ms;
    struct lanes lanes;
    struct outages outages;
    struct closed_studies closed;
    struct idleness idleness;
    struct item_list list;
};

static void lanes_read_finish(struct lanes_read *reading)
{
    item_list_finish(&reading->list);
    closed_studies_finish(&reading->closed);
    outages_finish(&reading->outages);
    lanes_finish(&reading->lanes);
    live_view_release(reading->view);
}
OWN_VALUE(lanes_read)

/* ---- what happened ---- */

/* Attempts that are live may have begun before all that are looked at. */
static int add_live(struct lanes_read *reading, struct err *err)
{
    for (size_t i = 0; i < reading->view->n_leases; i++) {
        const struct live_lease_view *lease = &reading->view->leases[i];
        struct span_row row;
        if (reading->study != NULL && reading->study->id != lease->study) {
            continue;
        }
        int result = store_span_load(reading->read->store, trial_id(lease->study, lease->trial),
                                     lease->attempt, &row, err);
        if (result != 0 && err->code == ERR_NOT_FOUND) {
            continue;
        }
        TRY(result);
        if (row.started_at_ms < reading->to_ms && row.end == ATTEMPT_LIVE) {
            TRY(lanes_add(&reading->lanes, &row, err));
        }
    }
    return 0;
}

/* Newest first: of more than fit, the window begins with the oldest that does. */
static int add_spans(struct lanes_read *reading, struct err *err)
{
    const struct span_query query = {.study = reading->study == NULL ? 0 : reading->study->id,
                                     .since_ms = reading->from_ms,
                                     .until_ms = reading->to_ms,
                                     .looked_at = ATTEMPTS_LOOKED_AT,
                                     .limit = SPANS_MAX};

    TRY(store_each_span_within(reading->read->store, &query, lanes_add, &reading->lanes, err));
    if (reading->lanes.n == SPANS_MAX) {
        int64_t oldest_ms = reading->lanes.spans[SPANS_MAX - 1].started_at_ms;
        reading->from_ms = oldest_ms > reading->from_ms ? oldest_ms : reading->from_ms;
    }
    return add_live(reading, err);
}

static int add_event(void *context, const struct event_row *event, struct err *err)
{
    struct lanes_read *reading = context;

    if (reading->closed.known_from_ms == UNKNOWN_YET) {
        reading->closed.known_from_ms = event->at_ms;
    }
    closed_studies_note(&reading->closed, event);
    return outages_add(&reading->outages, event, err);
}

static int add_events(struct lanes_read *reading, struct err *err)
{
    int64_t last, after;

    TRY(store_last_seq(reading->read->store, &last, err));
    TRY(store_seq_before_newest(reading->read->store, EVENTS_LOOKED_AT, &after, err));
    reading->closed.known_from_ms = last > EVENTS_LOOKED_AT ? UNKNOWN_YET : 0;
    return store_each_event(reading->read->store, 0, after, EVENTS_LOOKED_AT, add_event, reading,
                            &last, err);
}

/* ---- why nothing happens now ---- */

static int note_study(void *context, struct study_row *row, struct err *err)
{
    struct lanes_read *reading = context;
    struct idleness *idleness = &reading->idleness;
    const struct live_study_view *study = live_view_study(reading->view, row->name);

    TRY(closed_studies_add(&reading->closed, row, err));
    if (study == NULL || study->id != row->id) {
        return 0;
    }
    idleness->n_running += row->state == STUDY_RUNNING;
    idleness->n_paused += row->state == STUDY_PAUSED;
    if (row->state != STUDY_RUNNING) {
        return 0;
    }
    int64_t wanted = slots_wanted(study->def->def, row);
    int64_t running = row->counts[TRIAL_RUNNING];
    int64_t paused = row->counts[TRIAL_PAUSED];
    if (wanted == SLOTS_UNLIMITED || wanted > running) {
        idleness->has_work = true;
    } else if (paused > 0 && running > 0) {
        (void)snprintf(idleness->detail, sizeof idleness->detail,
                       "%s: %lld trials wait at their rung for %lld that run", row->name,
                       (long long)paused, (long long)running);
    } else if (running > 0) {
        (void)snprintf(idleness->detail, sizeof idleness->detail,
                       "%s: has work for %lld slots only", row->name, (long long)running);
    }
    return 0;
}

static const char *why_waiting(const struct idleness *idleness)
{
    return idleness->n_running > 0 ? "waiting" : idleness->n_paused > 0 ? "paused" : "no study";
}

static const char *gap_reason(const struct lanes_read *reading, const char *name,
                              const struct live_worker_view *worker, const struct lane_gap *gap)
{
    bool is_now = gap->is_last && reading->to_ms == reading->now_ms;
    char node[WORKER_NAME_BYTES];

    if (is_now && worker == NULL) {
        return "gone";
    }
    if (is_now && strcmp(worker->state, "active") != 0) {
        return worker->state;
    }
    if (is_now && worker->waiting) {
        return why_waiting(&reading->idleness);
    }
    node_name(name, node);
    const char *reason = outages_reason(&reading->outages, node, gap);
    reason = reason == NULL ? closed_studies_reason(&reading->closed, gap) : reason;
    return reason == NULL ? "unknown" : reason;
}

/* ---- the answer ---- */

static void write_span(struct lanes_read *reading, const struct span_row *span,
                       struct json_writer *w)
{
    json_object_begin(w);
    json_put_string(w, "study", read_study_name(reading->view, trial_id_study(span->trial)));
    json_put_int(w, "trial", trial_id_number(span->trial));
    json_put_int(w, "attempt", span->number);
    json_put_int(w, "started_ms", span->started_at_ms);
    if (span->ended_at_ms > 0) {
        json_put_int(w, "ended_ms", span->ended_at_ms);
    } else {
        json_put_null(w, "ended_ms");
    }
    json_put_string(w, "end", span->end == ATTEMPT_LIVE ? NULL : attempt_end_name(span->end));
    json_object_end(w);
}

static void write_gaps(struct lanes_read *reading, const char *name,
                       const struct live_worker_view *worker, const struct span_row spans[],
                       size_t n, struct json_writer *w)
{
    struct lane_walk walk = {.spans = spans, .n = n, .now_ms = reading->to_ms};
    struct lane_gap gap;

    while (lane_next_gap(&walk, &gap)) {
        const char *reason = gap_reason(reading, name, worker, &gap);
        bool waits = strcmp(reason, "waiting") == 0 && !reading->idleness.has_work
                     && reading->idleness.detail[0] != '\0';
        json_object_begin(w);
        json_put_int(w, "from_ms", gap.from_ms);
        json_put_int(w, "to_ms", gap.to_ms);
        json_put_string(w, "reason", reason);
        json_put_string(w, "detail", waits ? reading->idleness.detail : NULL);
        json_object_end(w);
    }
}

static void write_worker_members(const struct live_worker_view *worker, struct json_writer *w)
{
    bool known = worker != NULL;

    json_put_string(w, "host", known && worker->host[0] != '\0' ? worker->host : NULL);
    json_put_string(w, "state", known ? worker->state : "gone");
    json_put_string(w, "reason", known && worker->reason[0] != '\0' ? worker->reason : NULL);
    json_write_key(w, "gpus");
    json_array_begin(w);
    for (int64_t i = 0; known && i < worker->n_gpus; i++) {
        json_write_int(w, i);
    }
    json_array_end(w);
}

static void write_lane(struct lanes_read *reading, const char *name,
                       const struct live_worker_view *worker, const struct span_row spans[],
                       size_t n)
{
    struct json_writer *w = item_list_item(&reading->list);

    json_object_begin(w);
    json_put_string(w, "worker", name);
    write_worker_members(worker, w);
    json_write_key(w, "spans");
    json_array_begin(w);
    for (size_t i = 0; i < n; i++) {
        write_span(reading, &spans[i], w);
    }
    json_array_end(w);
    json_write_key(w, "idle");
    json_array_begin(w);
    write_gaps(reading, name, worker, spans, n, w);
    json_array_end(w);
    json_object_end(w);
    item_list_item_end(&reading->list);
}

/* In the other formats each attempt has a row. */
static void write_rows(struct lanes_read *reading, const struct span_row spans[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct json_writer *w = item_list_item(&reading->list);
        json_object_begin(w);
        json_put_string(w, "worker", spans[i].worker);
        json_put_string(w, "study", read_study_name(reading->view, trial_id_study(spans[i].trial)));
        json_put_int(w, "trial", trial_id_number(spans[i].trial));
        json_put_int(w, "attempt", spans[i].number);
        json_put_string(w, "end", attempt_end_name(spans[i].end));
        json_put_moment(w, "started_at", spans[i].started_at_ms);
        json_put_moment(w, "ended_at", spans[i].ended_at_ms > 0 ? spans[i].ended_at_ms : -1);
        json_object_end(w);
        item_list_item_end(&reading->list);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct live_worker_view *const *left = a;
    const struct live_worker_view *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

/* Those that have spans and those that are here, in order of name. */
static int write_lanes(struct lanes_read *reading, struct err *err)
{
    const struct live_view *view = reading->view;
    OWN(memory)
    const struct live_worker_view **workers = calloc(view->n_workers + 1, sizeof(void *));
    size_t at = 0;
    size_t next = 0;

    if (workers == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < view->n_workers; i++) {
        workers[i] = &view->workers[i];
    }
    qsort(workers, view->n_workers, sizeof(void *), by_name);
    while (at < reading->lanes.n || next < view->n_workers) {
        const struct span_row *spans = at < reading->lanes.n ? &reading->lanes.spans[at] : NULL;
        const char *waiting = next < view->n_workers ? workers[next]->name : NULL;
        int order = spans == NULL ? 1 : waiting == NULL ? -1 : strcmp(spans->worker, waiting);
        const char *name = order <= 0 ? spans->worker : waiting;
        size_t n = order <= 0 ? lanes_length(&reading->lanes, at) : 0;
        if (reading->list.is_shown) {
            write_rows(reading, spans, n);
        } else if (n > 0 || reading->study == NULL) {
            write_lane(reading, name, order >= 0 ? workers[next] : NULL, spans, n);
        }
        at += n;
        next += order >= 0 ? 1 : 0;
    }
    return 0;
}

static void put_window(void *context, struct json_writer *w)
{
    const struct lanes_read *reading = context;

    json_put_int(w, "from_ms", reading->from_ms);
    json_put_int(w, "to_ms", reading->to_ms);
}

/* ---- the request ---- */

static int read_query(struct lanes_read *reading, struct err *err)
{
    const struct http_request *request = reading->read->request;
    const char *study = http_query(request, "study");

    TRY(query_moment(request, "until", reading->now_ms, &reading->to_ms, err));
    reading->to_ms = reading->to_ms > reading->now_ms ? reading->now_ms : reading->to_ms;
    TRY(query_moment(request, "since", reading->to_ms - WINDOW_DEFAULT_MS, &reading->from_ms, err));
    if (reading->from_ms >= reading->to_ms) {
        return err_set(err, ERR_MALFORMED, "since must be before until, and before now");
    }
    if (study != NULL) {
        reading->study = live_view_study(reading->view, study);
        return reading->study == NULL ? no_such_study(study, err) : 0;
    }
    return 0;
}

static int read_rows(struct lanes_read *reading, struct err *err)
{
    TRY(add_spans(reading, err));
    TRY(add_events(reading, err));
    return store_each_study(reading->read->store, note_study, reading, err);
}

static int read_lanes(struct read_request *read, struct err *err)
{
    const struct clock *clock = read->api->clock;
    OWN(lanes_read) struct lanes_read reading = {.read = read, .now_ms = clock->wall_ms(clock)};

    reading.view = engine_view_now(read->api->engine);
    TRY(read_query(&reading, err));
    TRY(store_read_begin(read->store, err));
    int result = read_rows(&reading, err);
    store_read_end(read->store);
    TRY(result);
    lanes_sort(&reading.lanes);
    TRY(item_list_begin_with(&reading.list, read, put_window, &reading, err));
    TRY(write_lanes(&reading, err));
    return item_list_end(&reading.list, NULL, err);
}

static const char *const lanes_query[] = {"since", "until", "study", NULL};

static const struct representation_column columns[] = {{.key = "worker"},
                                                       {.key = "study"},
                                                       {.key = "trial", .is_right = true},
                                                       {.key = "attempt", .is_right = true},
                                                       {.key = "end"},
                                                       {.key = "started_at"},
                                                       {.key = "ended_at"},
                                                       {0}};
static const struct representation representation = {.formats = FORMATS_LIST, .columns = columns};

REPRESENTATION_HANDLER(get_lanes, &representation, lanes_query, read_lanes)
