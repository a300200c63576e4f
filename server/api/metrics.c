#include "server/api/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/heap.h"
#include "server/api/metric_lines.h"
#include "server/api/metric_studies.h"
#include "server/api/metric_workers.h"
#include "server/api/problem.h"
#include "server/api/read.h"

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
    metric_single(out, name, "counter", help, (double)value);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
    metric_single(out, name, "gauge", help, value);
}

static void write_process(struct buf *out, const struct api *api)
{
    static const struct metric_labels version = {{"version"}, {HONE_VERSION}};

    metric_head(out, "build_info", "gauge", "The version.");
    metric_line(out, "build_info", &version, 1);
    gauge(out, "uptime_seconds", "Since the start.",
          (double)(api->clock->wall_ms(api->clock) - api->started_at_ms) / 1000);
    gauge(out, "heap_allocated_bytes", "What is allocated and not freed, caches included.",
          (double)heap_allocated_bytes());
}

/* ---- HTTP ---- */

static void write_duration(void *context, const struct http_route *route, unsigned status,
                           const struct histogram *histogram)
{
    char name[128] = "none";
    char code[16];
    const struct metric_labels labels = {{"route", "code"}, {name, code}};

    if (route != NULL) {
        (void)snprintf(name, sizeof name, "%s %s", route->method, route->path);
    }
    (void)snprintf(code, sizeof code, "%u", status);
    metric_histogram(context, "http_request_duration_seconds", &labels, histogram);
}

static void write_http(struct buf *out, const struct http_server *http)
{
    struct http_stats stats;

    http_server_stats(http, &stats);
    counter(out, "http_requests_total", "Requests whose head was read.", stats.requests);
    metric_head(out, "http_responses_total", "counter", "Replies by class of status.");
    const struct {
        const char *class;
        uint64_t n;
    } classes[] = {
        {"2xx", stats.responses_2xx}, {"4xx", stats.responses_4xx}, {"5xx", stats.responses_5xx}};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        const struct metric_labels labels = {{"class"}, {classes[i].class}};
        metric_line(out, "http_responses_total", &labels, (double)classes[i].n);
    }
    gauge(out, "http_connections", "Open connections.", (double)stats.connections);
    gauge(out, "http_requests_waiting", "Requests that wait for their answer.",
          (double)stats.deferred);
    if (stats.certificate_expires_ms != 0) {
        gauge(out, "tls_certificate_expiry_seconds",
              "When the certificate of this server expires, in seconds since 1970.",
              (double)stats.certificate_expires_ms / 1e3);
    }
    metric_head(out, "http_request_duration_seconds", "histogram",
                "From the head of a request to the beginning of its answer, with what it waited "
                "for; the route none: refused by its head.");
    http_each_timing(http, write_duration, out);
}

/* ---- the engine ---- */

static void write_engine(struct buf *out, struct engine *engine)
{
    struct engine_stats stats = {0};
    struct err unwritable;

    engine_stats(engine, &stats);
    counter(out, "store_commits_total", "Groups that were synced to disk.", stats.commits);
    gauge(out, "store_commit_seconds", "Duration of the last commit.",
          (double)stats.last_commit_us / 1e6);
    metric_head(out, "db_commit_duration_seconds", "histogram", "How long commits took.");
    metric_histogram(out, "db_commit_duration_seconds", NULL, stats.commit_durations);
    metric_head(out, "suggest_duration_seconds", "histogram",
                "How long strategies took for a suggestion.");
    metric_histogram(out, "suggest_duration_seconds", NULL, stats.suggest_durations);
    counter(out, "commands_total", "Commands that the writer has taken.", stats.commands);
    gauge(out, "command_queue_length", "Commands that wait for the writer.",
          (double)stats.queue_length);
    counter(out, "leases_granted_total", "Leases granted.", stats.leases_granted);
    counter(out, "leases_expired_total", "Leases that expired.", stats.leases_expired);
    gauge(out, "read_only", "1 when the store is only read until the next start.",
          engine_is_read_only(engine) ? 1 : 0);
    gauge(out, "writable", "1 when writes are taken: neither only read nor without space.",
          engine_check_writes(engine, &unwritable) == 0 ? 1 : 0);
}

/* ---- what lives ---- */

/* Without those that have expired and whose trial no newer attempt has yet. */
static size_t count_live(const struct live_view *view)
{
    size_t n = 0;

    for (size_t i = 0; i < view->n_leases; i++) {
        n += view->leases[i].expires_in_ms >= 0;
    }
    return n;
}

static void write_live(struct buf *out, const struct live_view *view)
{
    gauge(out, "events_last_seq", "Sequence number of the last event.", (double)view->last_seq);
    gauge(out, "leases_live", "Leases that are held now.", (double)count_live(view));
    gauge(out, "asks_waiting", "Asks that wait for work.", (double)view->n_waiting);
    gauge(out, "workers_known", "Workers seen since the start.", (double)view->n_workers);
    gauge(out, "studies", "Studies that are not deleted.", (double)view->n_studies);
}

/* ---- files ---- */

/* Nothing where no folder is set: an alert about the last one is for those who keep some. */
static void write_backups(struct buf *out, struct engine *engine)
{
    struct backup_status status;

    if (engine_backup_directory(engine) == NULL) {
        return;
    }
    engine_backup_status(engine, &status);
    gauge(out, "backup_last_timestamp_seconds",
          "When the newest backup was complete, in seconds since 1970; 0: none is within reach.",
          (double)status.last.at_ms / 1e3);
    gauge(out, "backup_last_bytes", "The size of the newest backup.",
          (double)status.last.made.bytes);
    gauge(out, "backup_last_seconds", "How long the last one took, of those since the start.",
          (double)status.made_us / 1e6);
    gauge(out, "backup_last_failed", "1 when the last one that was ordered failed.",
          status.failed_name[0] != '\0' ? 1 : 0);
    gauge(out, "backup_running", "1 while one is being made.",
          status.phase == BACKUP_WRITING ? 1 : 0);
    counter(out, "backups_total", "Backups that were made since the start.",
            (uint64_t)status.n_made);
    counter(out, "backup_failures_total", "Backups that failed since the start.",
            (uint64_t)status.n_failed);
}

static void write_uploads(struct buf *out, const struct uploads *uploads)
{
    struct uploads_stats stats = {0};

    if (uploads != NULL) {
        uploads_stats(uploads, &stats);
    }
    gauge(out, "checkpoint_files", "Uploaded checkpoints that are stored.", (double)stats.files);
    gauge(out, "checkpoint_bytes", "What they need on the disk.", (double)stats.bytes);
    counter(out, "checkpoints_received_total", "Checkpoints that were uploaded.",
            (uint64_t)stats.received);
}

static void write_logs(struct buf *out, const struct logs *logs)
{
    struct logs_stats stats = {0};

    if (logs != NULL) {
        logs_stats(logs, &stats);
    }
    gauge(out, "log_bytes", "What is kept of the logs of attempts.", (double)stats.bytes);
    counter(out, "log_received_bytes_total", "Bytes of logs that were taken.",
            (uint64_t)stats.received_bytes);
    counter(out, "log_pieces_refused_total", "Pieces of logs that could not be written.",
            (uint64_t)stats.refused);
    counter(out, "logs_removed_total", "Logs removed to make room for others.",
            (uint64_t)stats.removed);
}

static void write_disk(struct buf *out, const char *directory)
{
    struct statvfs disk;

    if (directory == NULL || statvfs(directory, &disk) != 0) {
        return; /* in memory; or the directory cannot be looked at, which the store tells */
    }
    gauge(out, "disk_free_bytes", "What honed may still use where its data lies.",
          (double)disk.f_bavail * (double)disk.f_frsize);
    gauge(out, "disk_size_bytes", "The size of the file system where its data lies.",
          (double)disk.f_blocks * (double)disk.f_frsize);
}

static int read_metrics(struct read_request *read, struct err *err)
{
    const struct api *api = read->api;
    struct buf *out = &read->response.body;
    struct live_view *view = engine_view_now(api->engine);

    read->response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    write_process(out, api);
    write_http(out, api->http);
    write_engine(out, api->engine);
    write_live(out, view);
    metric_workers(out, view);
    write_logs(out, api->logs);
    write_uploads(out, api->uploads);
    write_backups(out, api->engine);
    write_disk(out, api->directory);
    int result = metric_studies(out, view, err);
    live_view_release(view);
    return result;
}

READ_HANDLER(get_metrics, FORMAT_BIT(FORMAT_TEXT), NULL, read_metrics)
