#include "worker/agent/attempt_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/log.h"

#define REPORT_HEAD_BYTES 18  /* number 8, step 8, how many metrics 2 */
#define METRIC_HEAD_BYTES 10  /* value 8, length of the name 2 */
#define REFUSAL_HEAD_BYTES 16 /* step 8, value 8 */

/* ---- releasing ---- */

static void grant_finish(struct attempt_grant *grant)
{
    free(grant->server);
    free(grant->host);
    lease_grant_finish(&grant->lease);
    *grant = (struct attempt_grant){0};
}

static void run_finish(struct attempt_run *run)
{
    free(run->folder);
    free(run->boot);
    free(run->gpu);
    *run = (struct attempt_run){0};
}

static void exit_finish(struct attempt_exit *ended)
{
    free(ended->last_lines);
    free(ended->notes);
    free(ended->oom_line);
    *ended = (struct attempt_exit){0};
}

void attempt_log_finish(struct attempt_log *log)
{
    grant_finish(&log->grant);
    run_finish(&log->run);
    exit_finish(&log->exit);
    result_report_finish(&log->result);
    *log = (struct attempt_log){0};
}

void attempt_report_finish(struct attempt_report *report)
{
    free(report->metrics);
    *report = (struct attempt_report){0};
}

/* ---- texts that people can read: everything but the measurements ---- */

static bool append_text(struct spool *spool, enum spool_kind kind, const struct buf *text)
{
    return !text->failed && spool_append(spool, kind, buf_text(text), text->len);
}

bool attempt_log_asked(struct spool *spool, const char *request_id)
{
    return spool_append(spool, SPOOL_ASKED, request_id, strlen(request_id));
}

bool attempt_log_grant(struct spool *spool, const char *server, const char *host,
                       const struct lease_grant *lease)
{
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, SPOOL_RECORD_MAX);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    json_put_string(&w, "server", server);
    json_put_string(&w, "host", host);
    json_write_key(&w, "lease");
    lease_grant_write(lease, &w);
    json_object_end(&w);
    return append_text(spool, SPOOL_GRANT, &text);
}

bool attempt_log_run(struct spool *spool, const struct attempt_run *run)
{
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, SPOOL_RECORD_MAX);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    json_put_int(&w, "from", run->from);
    json_put_int(&w, "to", run->to);
    json_put_string(&w, "folder", run->folder);
    json_put_string(&w, "boot", run->boot);
    json_put_string(&w, "gpu", run->gpu);
    json_put_int(&w, "at_ms", run->at_ms);
    json_put_int(&w, "run_at_ms", run->run_at_ms);
    json_object_end(&w);
    return append_text(spool, SPOOL_RUN, &text);
}

static const char *const event_names[JOB_EVENT_COUNT] = {
    [JOB_NOTIFIED] = "notified",   [JOB_ABORTED] = "aborted",       [JOB_LOST] = "lost",
    [JOB_TIMED_OUT] = "timed out", [JOB_STALLED] = "stalled",       [JOB_DRAINED] = "drained",
    [JOB_QUIT] = "quit",           [JOB_LEAVE_OVER] = "leave over", [JOB_GRACE_OVER] = "grace over",
    [JOB_EXITED] = "exited",
};

bool attempt_log_exit(struct spool *spool, const struct attempt_exit *ended)
{
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, SPOOL_RECORD_MAX);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    json_put_string(&w, "why", event_names[ended->why]);
    json_put_int(&w, "wait_status", ended->wait_status);
    json_put_bool(&w, "killed_by_us", ended->killed_by_us);
    json_put_bool(&w, "oom_seen", ended->oom_seen);
    json_put_bool(&w, "oom_sure", ended->oom_sure);
    json_put_bool(&w, "with_worker", ended->with_worker);
    json_put_bool(&w, "is_started", ended->is_started);
    json_put_int(&w, "peak_kib", ended->peak_kib);
    json_put_int(&w, "ran_ms", ended->ran_ms);
    json_put_string(&w, "last_lines", ended->last_lines);
    json_put_string(&w, "notes", ended->notes);
    json_put_string(&w, "oom_line", ended->oom_line);
    json_object_end(&w);
    return append_text(spool, SPOOL_EXIT, &text);
}

bool attempt_log_result(struct spool *spool, const struct result_report *report)
{
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, SPOOL_RECORD_MAX);
    json_writer_init(&w, &text);
    result_report_write(report, &w);
    return append_text(spool, SPOOL_RESULT, &text);
}

bool attempt_log_release(struct spool *spool)
{
    return spool_append(spool, SPOOL_RELEASE, "", 0);
}

bool attempt_log_closed(struct spool *spool)
{
    return spool_append(spool, SPOOL_CLOSED, "", 0);
}

/* ---- numbers ---- */

static void put(struct buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        buf_putc(out, (char)(unsigned char)(value >> (8 * i)));
    }
}

static uint64_t get(const char *at, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)(unsigned char)at[i] << (8 * i);
    }
    return value;
}

bool attempt_log_answered(struct spool *spool, uint64_t number)
{
    OWN(buf) struct buf content;

    buf_init(&content, sizeof number);
    put(&content, number, sizeof number);
    return append_text(spool, SPOOL_ANSWERED, &content);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

bool attempt_log_measured(struct spool *spool, uint64_t number, int64_t step,
                          const struct metric_value *metrics, size_t n)
{
    OWN(buf) struct buf content;

    buf_init(&content, SPOOL_RECORD_MAX);
    put(&content, number, 8);
    put(&content, (uint64_t)step, 8);
    put(&content, n, 2);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(metrics[i].metric);
        put(&content, bits_of(metrics[i].value), 8);
        put(&content, len, 2);
        buf_append(&content, metrics[i].metric, len);
    }
    return n <= UINT16_MAX && append_text(spool, SPOOL_MEASURED, &content);
}

bool attempt_log_refused(struct spool *spool, int64_t step, double value, const char *metric)
{
    OWN(buf) struct buf content;

    buf_init(&content, REFUSAL_HEAD_BYTES + METRIC_NAME_BYTES);
    put(&content, (uint64_t)step, 8);
    put(&content, bits_of(value), 8);
    buf_puts(&content, metric);
    return append_text(spool, SPOOL_REFUSED, &content);
}

bool attempt_refusal_read(const struct spool_record *record, struct attempt_refusal *refusal)
{
    const struct buf *content = &record->content;

    if (record->kind != SPOOL_REFUSED || content->len < REFUSAL_HEAD_BYTES
        || content->len > REFUSAL_HEAD_BYTES + METRIC_NAME_BYTES) {
        return false;
    }
    size_t len = content->len - REFUSAL_HEAD_BYTES;
    refusal->step = (int64_t)get(content->data, 8);
    refusal->value = from_bits(get(content->data + 8, 8));
    memcpy(refusal->metric, content->data + REFUSAL_HEAD_BYTES, len);
    refusal->metric[len] = '\0';
    return true;
}

/* Reads one value and its name at *at; false: it does not stand there. */
static bool read_metric(const struct buf *content, size_t *at, struct metric_value *metric)
{
    if (content->len - *at < METRIC_HEAD_BYTES) {
        return false;
    }
    metric->value = from_bits(get(content->data + *at, 8));
    size_t len = (size_t)get(content->data + *at + 8, 2);
    *at += METRIC_HEAD_BYTES;
    if (len > METRIC_NAME_BYTES || len > content->len - *at) {
        return false;
    }
    memcpy(metric->metric, content->data + *at, len);
    metric->metric[len] = '\0';
    *at += len;
    return true;
}

bool attempt_report_read(const struct spool_record *record, struct attempt_report *report)
{
    const struct buf *content = &record->content;
    size_t at = REPORT_HEAD_BYTES;

    report->n = 0;
    if (record->kind != SPOOL_MEASURED || content->len < REPORT_HEAD_BYTES) {
        return false;
    }
    report->number = get(content->data, 8);
    report->step = (int64_t)get(content->data + 8, 8);
    for (size_t n = (size_t)get(content->data + 16, 2); n > 0; n--) {
        if (array_reserve(&report->metrics, report->n, &report->cap, sizeof *report->metrics, NULL)
                != 0
            || !read_metric(content, &at, &report->metrics[report->n])) {
            return false;
        }
        report->n++;
    }
    return true;
}

/* ---- reading them back ---- */

static char *dup_field(struct fields *fields, const char *name)
{
    return strdup(fields_string(fields, name, ""));
}

static bool read_grant(const json_t *body, struct attempt_log *log)
{
    struct faults faults = {0};
    struct fields fields;
    struct err err = {0};

    grant_finish(&log->grant);
    fields_begin(&fields, body, "", &faults);
    log->grant.server = dup_field(&fields, "server");
    log->grant.host = dup_field(&fields, "host");
    log->has_grant =
        lease_grant_from_json(json_object_get(body, "lease"), &log->grant.lease, &err) == 0
        && faults.total == 0;
    faults_finish(&faults);
    return log->grant.server != NULL && log->grant.host != NULL && err.code != ERR_NOMEM;
}

static bool read_run(const json_t *body, struct attempt_log *log)
{
    struct faults faults = {0};
    struct fields fields;
    struct attempt_run *run = &log->run;

    run_finish(run);
    exit_finish(&log->exit);
    fields_begin(&fields, body, "", &faults);
    run->from = fields_int(&fields, "from", 0, 0, INT64_MAX);
    run->to = fields_int(&fields, "to", 0, 0, INT64_MAX);
    run->folder = dup_field(&fields, "folder");
    run->boot = dup_field(&fields, "boot");
    run->gpu = dup_field(&fields, "gpu");
    run->at_ms = fields_int(&fields, "at_ms", 0, INT64_MIN, INT64_MAX);
    run->run_at_ms = fields_int(&fields, "run_at_ms", 0, INT64_MIN, INT64_MAX);
    log->has_run = faults.total == 0;
    log->has_exit = false;
    log->has_step = false;
    log->last_step = log->furthest_step = run->from;
    faults_finish(&faults);
    return run->folder != NULL && run->boot != NULL && run->gpu != NULL;
}

static enum job_event event_from(const char *name)
{
    for (int i = 0; i < JOB_EVENT_COUNT; i++) {
        if (event_names[i] != NULL && strcmp(event_names[i], name) == 0) {
            return (enum job_event)i;
        }
    }
    return JOB_EXITED;
}

static bool read_exit(const json_t *body, struct attempt_log *log)
{
    struct faults faults = {0};
    struct fields fields;
    struct attempt_exit *ended = &log->exit;

    exit_finish(ended);
    fields_begin(&fields, body, "", &faults);
    ended->why = event_from(fields_string(&fields, "why", ""));
    ended->wait_status = (int)fields_int(&fields, "wait_status", 0, INT32_MIN, INT32_MAX);
    ended->killed_by_us = fields_bool(&fields, "killed_by_us", false);
    ended->oom_seen = fields_bool(&fields, "oom_seen", false);
    ended->oom_sure = fields_bool(&fields, "oom_sure", false);
    ended->with_worker = fields_bool(&fields, "with_worker", false);
    ended->is_started = fields_bool(&fields, "is_started", true);
    ended->peak_kib = fields_int(&fields, "peak_kib", 0, 0, INT64_MAX);
    ended->ran_ms = fields_int(&fields, "ran_ms", 0, 0, INT64_MAX);
    ended->last_lines = dup_field(&fields, "last_lines");
    ended->notes = dup_field(&fields, "notes");
    ended->oom_line = dup_field(&fields, "oom_line");
    log->has_exit = faults.total == 0;
    faults_finish(&faults);
    return ended->last_lines != NULL && ended->notes != NULL && ended->oom_line != NULL;
}

static bool read_result(const json_t *body, struct attempt_log *log)
{
    struct faults faults = {0};

    result_report_finish(&log->result);
    log->has_result = result_report_from_json(body, &log->result, &faults) == 0
                      && result_report_settle(&log->result, log->grant.lease.digits, &faults) == 0;
    log->releases = false;
    faults_finish(&faults);
    return true;
}

/* A text that we wrote, whose checksum is right, and that is no JSON all the same: not believed. */
static bool read_text(const struct spool_record *record, struct attempt_log *log,
                      bool (*read)(const json_t *body, struct attempt_log *log))
{
    json_auto_t *body = NULL;
    struct err err = {0};

    if (json_parse_own(buf_text(&record->content), &body, &err) != 0) {
        return err.code != ERR_NOMEM;
    }
    return read(body, log);
}

static void read_step(const struct spool_record *record, struct attempt_log *log)
{
    const struct buf *content = &record->content;

    if (content->len < REPORT_HEAD_BYTES) {
        return;
    }
    log->measured = get(content->data, 8);
    log->last_step = (int64_t)get(content->data + 8, 8);
    log->furthest_step = log->last_step > log->furthest_step ? log->last_step : log->furthest_step;
    log->has_step = true;
}

static bool read_record(const struct spool_record *record, struct attempt_log *log)
{
    switch (record->kind) {
    case SPOOL_ASKED:
        (void)snprintf(log->asked, sizeof log->asked, "%s", buf_text(&record->content));
        return true;
    case SPOOL_GRANT:
        return read_text(record, log, read_grant);
    case SPOOL_RUN:
        return read_text(record, log, read_run);
    case SPOOL_MEASURED:
        read_step(record, log);
        return true;
    case SPOOL_ANSWERED:
        log->answered = record->content.len == 8 ? get(record->content.data, 8) : log->answered;
        return true;
    case SPOOL_EXIT:
        return read_text(record, log, read_exit);
    case SPOOL_RESULT:
        return read_text(record, log, read_result);
    case SPOOL_RELEASE:
        log->releases = true;
        log->has_result = false;
        return true;
    case SPOOL_CLOSED:
        log->closed = true;
        return true;
    case SPOOL_REFUSED: /* pending_restore() reads these */
    default:
        return true;
    }
}

bool attempt_log_read(struct spool *spool, struct attempt_log *log)
{
    OWN(spool_record) struct spool_record record;
    int64_t at = SPOOL_HEAD_BYTES;

    *log = (struct attempt_log){0};
    spool_record_init(&record);
    while (spool_next(spool, &at, &record)) {
        if (!read_record(&record, log)) {
            attempt_log_finish(log);
            return false;
        }
    }
    return at == spool_end(spool);
}

const char *attempt_log_boot(char text[64])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (file == NULL || fscanf(file, "%63s", text) != 1) {
        text[0] = '\0';
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}
