/* One trial explained: where its configuration came from, and each decision of the schedule. */
#include "server/api/explain.h"

#include <string.h>

#include "common/explain_text.h"
#include "common/step.h"
#include "server/api/bounds.h"
#include "server/api/json.h"
#include "server/api/schedule_records.h"
#include "server/strategy/strategy.h"

/* ---- the configuration ---- */

enum { TEXT_MAX = 1000 };

/* Appends the sentence to `text`; returns the kind. */
static const char *explain_origin(const struct study_def *study, const struct trial_row *row,
                                  const json_t *noted, struct buf *text)
{
    const char *search = schedule_search(study);

    if (row->source == SOURCE_IMPORTED) {
        buf_puts(text, "evaluated elsewhere and imported; models learn from it");
        return "imported";
    }
    if (row->source == SOURCE_ENQUEUED) {
        buf_puts(text, "enqueued by a person or a program; no strategy chose it");
        return "enqueued";
    }
    if (row->fallback) {
        buf_printf(text, "a point that fills the space evenly, in the place of one from %s, %s",
                   search,
                   noted == NULL ? "which failed or was not ready in time"
                                 : "whose model could not be fitted to these results");
        return "fallback";
    }
    return strategy_describe(search, noted, row->ordinal, text);
}

/* {"kind": "model", "text": "…"}. Kinds: imported, enqueued, fallback, initial_design, transfer,
 * model, and the name of a search that has none (grid, random, quasirandom). */
static void write_provenance(const struct study_def *study, const struct trial_row *row,
                             struct json_writer *w)
{
    OWN(buf) struct buf text;

    buf_init(&text, TEXT_MAX);
    json_auto_t *noted = stored_json(row->explain, w->out);
    const char *kind = explain_origin(study, row, noted, &text);
    buf_check_part(w->out, &text);
    json_object_begin(w);
    json_put_string(w, "kind", kind);
    json_put_string(w, "text", buf_text(&text));
    json_object_end(w);
}

void explain_origin_write(const struct study_def *study, const struct trial_row *row,
                          struct json_writer *w)
{
    json_put_string(w, "source", trial_source_name(row->source));
    if (row->ordinal > 0) {
        json_put_int(w, "ordinal", (int64_t)row->ordinal);
    } else {
        json_put_null(w, "ordinal");
    }
    json_put_bool(w, "fallback", row->fallback);
    json_write_key(w, "provenance");
    write_provenance(study, row, w);
    if (row->explain != NULL) {
        json_put_raw(w, "suggestion", row->explain, strlen(row->explain));
    } else {
        json_put_null(w, "suggestion");
    }
}

static void write_trial(const struct study_def *study, const struct trial_row *row,
                        struct json_writer *w)
{
    json_put_int(w, "trial", trial_id_number(row->id));
    json_put_string(w, "state", trial_state_name(row->state));
    json_put_string(w, "reason", row->reason[0] == '\0' ? NULL : row->reason);
    json_put_string(w, "worker", row->worker[0] == '\0' ? NULL : row->worker);
    bounds_put_feasible(study, row, w);
    bounds_put_trial(study, row, w);
    explain_origin_write(study, row, w);
}

/* ---- the reports ---- */

/* What is gathered while the attempts of a trial are read. */
struct attempt_notes {
    struct json_writer *w;
    int64_t newest_ms; /* when the newest was leased */
};

static int write_note(void *context, struct attempt_row *row, struct err *err)
{
    struct attempt_notes *attempts = context;
    struct json_writer *w = attempts->w;

    (void)err;
    attempts->newest_ms = row->leased_at_ms;
    if (row->detail != NULL) {
        json_object_begin(w);
        json_put_int(w, "attempt", row->number);
        json_put_string(w, "state", attempt_end_name(row->end));
        json_put_string(w, "reason", row->reason[0] == '\0' ? NULL : row->reason);
        json_put_string(w, "worker", row->worker_name);
        json_put_string(w, "text", row->detail);
        json_object_end(w);
    }
    return 0;
}

static const struct live_worker_view *find_worker(const struct live_view *view, const char *name)
{
    for (size_t i = 0; i < view->n_workers; i++) {
        if (strcmp(view->workers[i].name, name) == 0) {
            return &view->workers[i];
        }
    }
    return NULL;
}

/* "running": who trains it, how far it is, and for how long nothing was heard; null where it does
 * not run or has lost its lease. `since_ms`: when its attempt began. */
static void write_running(const struct read_request *read, enum trial_state state, int64_t since_ms,
                          struct json_writer *w)
{
    const struct live_lease_view *lease = live_view_lease(read->view, read->study->id, read->trial);
    const struct live_worker_view *worker =
        lease == NULL ? NULL : find_worker(read->view, lease->worker);
    int64_t now_ms = read->api->clock->wall_ms(read->api->clock);

    json_write_key(w, "running");
    if (lease == NULL || state != TRIAL_RUNNING) { /* the view may be older than the row */
        json_write_null(w);
        return;
    }
    json_object_begin(w);
    json_put_int(w, "attempt", lease->attempt);
    json_put_string(w, "worker", lease->worker);
    if (lease->last_step >= 0) {
        json_put_step(w, "step", lease->last_step, lease->digits);
    } else {
        json_put_null(w, "step");
    }
    int64_t reported_ms = worker == NULL ? 0 : worker->last_report_ms;
    reported_ms = reported_ms > since_ms ? reported_ms : since_ms;
    json_put_number(w, "silent_seconds", (double)(now_ms - reported_ms) / 1000);
    if (worker != NULL) {
        json_put_number(w, "heartbeat_seconds", (double)(now_ms - worker->last_seen_ms) / 1000);
    }
    json_object_end(w);
}

/* What became of the trial's reports, as far as they were not simply taken, what its workers noted,
 * and who trains it. */
static int write_reports(const struct read_request *read, const struct trial_row *row,
                         struct json_writer *w, struct err *err)
{
    struct attempt_notes attempts = {.w = w};

    trial_corrections_write(row, w);
    json_write_key(w, "notes");
    json_array_begin(w);
    TRY(store_each_attempt(read->store, row->id, write_note, &attempts, err));
    json_array_end(w);
    write_running(read, row->state, attempts.newest_ms, w);
    return 0;
}

/* ---- the schedule ---- */

/* A trial that no record names (a plain study's, an imported one) has no place in a schedule. */
static bool is_scheduled(const struct schedule_records *records, int64_t trial)
{
    for (size_t i = 0; i < records->n; i++) {
        if (records->items[i].trial == trial) {
            return true;
        }
    }
    return false;
}

static int read_explanation(struct read_request *read, struct err *err)
{
    const struct study_def *def = read->study->def->def;
    OWN(schedule_records) struct schedule_records records = {0};
    OWN(trial_row) struct trial_row row = {0};
    struct json_writer w;

    TRY(schedule_records_load(read, &records, err));
    TRY(store_trial_load(read->store, trial_id(read->study->id, read->trial), &row, err));
    json_writer_init(&w, &read->response.body);
    json_object_begin(&w);
    write_trial(def, &row, &w);
    TRY(write_reports(read, &row, &w, err));
    if (is_scheduled(&records, read->trial)) {
        json_write_key(&w, "schedule");
        json_object_begin(&w);
        TRY(schedule_write_explanation(def, records.n, records.items, read->trial, &w, err));
        json_object_end(&w);
    } else {
        json_put_null(&w, "schedule");
    }
    json_object_end(&w);
    return 0;
}

/* ---- decisions as rows, all of it as sentences ---- */

static int each_event(json_t *answer, representation_row *row, void *context, struct err *err)
{
    size_t i;
    json_t *event;

    (void)err;
    json_array_foreach (json_object_get(json_object_get(answer, "schedule"), "history"), i, event) {
        row(context, event);
    }
    return 0;
}

static void draw(const json_t *answer, const struct representation_query *query, struct buf *out)
{
    (void)query;
    explain_write(answer, text_utc, out);
}

static const struct representation_column columns[] = {{.key = "at"},
                                                       {.key = "event"},
                                                       {.key = "rung", .is_right = true},
                                                       {.key = "step", .is_right = true},
                                                       {.key = "value", .is_right = true},
                                                       {.key = "rank", .is_right = true},
                                                       {.key = "reported", .is_right = true},
                                                       {.key = "advance", .is_right = true},
                                                       {.key = "cutoff", .is_right = true},
                                                       {.key = "median", .is_extra = true},
                                                       {.key = "threshold", .is_extra = true},
                                                       {.key = "text"},
                                                       {0}};
static const struct representation representation = {
    .formats = FORMATS_LIST, .columns = columns, .each_row = each_event, .draw = draw};

REPRESENTATION_HANDLER(get_explain, &representation, NULL, read_explanation)
