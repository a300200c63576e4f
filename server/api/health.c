/* For probes and for Prometheus. */
#include "server/api/health.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "server/analysis/slots_wanted.h"
#include "server/api/problem.h"
#include "server/api/read.h"

void get_readiness(void *context, struct http_request *request)
{
    const struct api *api = context;
    struct http_response response;
    struct err err = {0};

    if (engine_is_read_only(api->engine)) {
        (void)err_set(&err, ERR_READ_ONLY,
                      "the store was found damaged and is only read; the server's log says more");
        reply_problem(request, &err, NULL);
        return;
    }
    http_response_init(&response, 200, "text/plain; charset=utf-8");
    buf_puts(&response.body, "ready\n");
    http_reply(request, &response);
}

/* ---- metrics ---- */

static void metric(struct buf *out, const char *name, const char *type, const char *help,
                   double value)
{
    char text[JSON_NUMBER_BYTES];

    buf_printf(out, "# HELP hone_%s %s\n# TYPE hone_%s %s\nhone_%s %s\n", name, help, name, type,
               name, json_format_number(value, text));
}

static void write_http(struct buf *out, const struct http_server *http)
{
    struct http_stats stats;

    http_server_stats(http, &stats);
    metric(out, "http_requests_total", "counter", "Requests whose head was read.",
           (double)stats.requests);
    buf_printf(out,
               "# HELP hone_http_responses_total Replies by class of status.\n"
               "# TYPE hone_http_responses_total counter\n"
               "hone_http_responses_total{class=\"2xx\"} %" PRIu64 "\n"
               "hone_http_responses_total{class=\"4xx\"} %" PRIu64 "\n"
               "hone_http_responses_total{class=\"5xx\"} %" PRIu64 "\n",
               stats.responses_2xx, stats.responses_4xx, stats.responses_5xx);
    metric(out, "http_connections", "gauge", "Open connections.", (double)stats.connections);
    metric(out, "http_requests_waiting", "gauge", "Requests that wait for their answer.",
           (double)stats.deferred);
}

static void write_engine(struct buf *out, struct engine *engine)
{
    struct engine_stats stats = {0};

    engine_stats(engine, &stats);
    metric(out, "store_commits_total", "counter", "Groups that were synced to disk.",
           (double)stats.commits);
    metric(out, "store_commit_seconds", "gauge", "Duration of the last commit.",
           (double)stats.last_commit_us / 1e6);
    metric(out, "commands_total", "counter", "Commands that the writer has taken.",
           (double)stats.commands);
    metric(out, "command_queue_length", "gauge", "Commands that wait for the writer.",
           (double)stats.queue_length);
    metric(out, "leases_granted_total", "counter", "Leases granted.", (double)stats.leases_granted);
    metric(out, "leases_expired_total", "counter", "Leases that expired.",
           (double)stats.leases_expired);
    metric(out, "read_only", "gauge", "1 when the store is only read.",
           engine_is_read_only(engine) ? 1 : 0);
}

/* Without those that have expired and whose trial no newer attempt has yet. */
static size_t count_live(const struct live_view *view)
{
    size_t n = 0;

    for (size_t i = 0; i < view->n_leases; i++) {
        n += view->leases[i].expires_in_ms >= 0;
    }
    return n;
}

static void write_workers(struct buf *out, const struct live_view *view)
{
    static const char *const states[] = {"active", "draining", "quarantined", "gone"};

    buf_puts(out, "# HELP hone_workers Workers seen since the start, by state.\n"
                  "# TYPE hone_workers gauge\n");
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        size_t n = 0;
        for (size_t k = 0; k < view->n_workers; k++) {
            n += strcmp(view->workers[k].state, states[i]) == 0;
        }
        buf_printf(out, "hone_workers{state=\"%s\"} %zu\n", states[i], n);
    }
}

static void write_live(struct buf *out, const struct live_view *view)
{
    metric(out, "events_last_seq", "gauge", "Sequence number of the last event.",
           (double)view->last_seq);
    metric(out, "leases_live", "gauge", "Leases that are held now.", (double)count_live(view));
    metric(out, "asks_waiting", "gauge", "Asks that wait for work.", (double)view->n_waiting);
    metric(out, "workers_known", "gauge", "Workers seen since the start.", (double)view->n_workers);
    metric(out, "studies", "gauge", "Studies that are not deleted.", (double)view->n_studies);
    write_workers(out, view);
}

static void write_uploads(struct buf *out, const struct uploads *uploads)
{
    struct uploads_stats stats = {0};

    if (uploads != NULL) {
        uploads_stats(uploads, &stats);
    }
    metric(out, "checkpoint_files", "gauge", "Uploaded checkpoints that are stored.",
           (double)stats.files);
    metric(out, "checkpoint_bytes", "gauge", "What they need on the disk.", (double)stats.bytes);
    metric(out, "checkpoints_received_total", "counter", "Checkpoints that were uploaded.",
           (double)stats.received);
}

static void write_logs(struct buf *out, const struct logs *logs)
{
    struct logs_stats stats = {0};

    if (logs != NULL) {
        logs_stats(logs, &stats);
    }
    metric(out, "log_bytes", "gauge", "What is kept of the logs of attempts.", (double)stats.bytes);
    metric(out, "log_received_bytes_total", "counter", "Bytes of logs that were taken.",
           (double)stats.received_bytes);
    metric(out, "log_pieces_refused_total", "counter", "Pieces of logs that could not be written.",
           (double)stats.refused);
    metric(out, "logs_removed_total", "counter", "Logs removed to make room for others.",
           (double)stats.removed);
}

struct count_lines {
    struct buf *out;
    const struct live_view *view;
};

static int write_counts(void *context, struct study_row *row, struct err *err)
{
    const struct count_lines *lines = context;

    (void)err;
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
        buf_printf(lines->out, "hone_trials{study=\"%s\",state=\"%s\"} %" PRId64 "\n", row->name,
                   trial_state_name((enum trial_state)i), row->counts[i]);
    }
    return 0;
}

static int write_slots(void *context, struct study_row *row, struct err *err)
{
    const struct count_lines *lines = context;
    const struct live_study_view *study = live_view_study(lines->view, row->name);

    (void)err;
    if (study == NULL || study->id != row->id) {
        return 0; /* made or deleted since the view was */
    }
    int64_t slots = slots_wanted(study->def->def, row);
    if (slots == SLOTS_UNLIMITED) {
        buf_printf(lines->out, "hone_slots_wanted{study=\"%s\"} +Inf\n", row->name);
    } else {
        buf_printf(lines->out, "hone_slots_wanted{study=\"%s\"} %" PRId64 "\n", row->name, slots);
    }
    return 0;
}

static int read_metrics(struct read_request *read, struct err *err)
{
    const struct api *api = read->api;
    struct buf *out = &read->response.body;
    struct count_lines lines = {out, read->view};
    struct mallinfo2 heap = mallinfo2();

    read->response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    buf_puts(out, "# HELP hone_build_info The version.\n# TYPE hone_build_info gauge\n"
                  "hone_build_info{version=\"" HONE_VERSION "\"} 1\n");
    metric(out, "uptime_seconds", "gauge", "Since the start.",
           (double)(api->clock->wall_ms(api->clock) - api->started_at_ms) / 1000);
    metric(out, "heap_allocated_bytes", "gauge",
           "What is allocated and not freed, caches included.",
           (double)(heap.uordblks + heap.hblkhd));
    write_http(out, api->http);
    write_engine(out, api->engine);
    write_live(out, read->view);
    write_logs(out, api->logs);
    write_uploads(out, api->uploads);
    buf_puts(out, "# HELP hone_trials Trials by study and state.\n# TYPE hone_trials gauge\n");
    TRY(store_each_study(read->store, write_counts, &lines, err));
    buf_puts(out, "# HELP hone_slots_wanted Slots of workers that a study could keep busy.\n"
                  "# TYPE hone_slots_wanted gauge\n");
    return store_each_study(read->store, write_slots, &lines, err);
}

READ_HANDLER(get_metrics, FORMAT_BIT(FORMAT_TEXT), NULL, read_metrics)
