/* Why the trials of a study go on, wait or stop. The records of its schedule are replayed, so that
 * the writer is not asked. */
#include "server/api/brackets.h"

#include <string.h>

#include "common/brackets_text.h"
#include "common/step.h"
#include "server/api/json.h"
#include "server/api/schedule_records.h"
#include "server/api/wait.h"

static int replay(const struct read_request *read, const struct schedule_records *records,
                  struct schedule **schedule, struct err *err)
{
    OWN(schedule) struct schedule *made = NULL;

    TRY(schedule_create(read->study->def->def, &made, err));
    schedule_load_begin(made);
    for (size_t i = 0; i < records->n; i++) {
        TRY(schedule_load(made, &records->items[i], err));
    }
    TRY(schedule_load_end(made, err));
    for (size_t i = 0; i < read->view->n_leases; i++) {
        const struct live_lease_view *lease = &read->view->leases[i];
        if (lease->study == read->study->id) {
            schedule_hold(made, lease->trial, 0);
        }
    }
    *schedule = made;
    made = NULL;
    return 0;
}

/* ---- who trains what is waited for ---- */

struct awaited {
    const struct live_view *view;
    const struct study_def *def;
    int64_t study;
    int64_t now_ms;
};

static int64_t last_report_ms(const struct live_view *view, const char *worker)
{
    for (size_t i = 0; i < view->n_workers; i++) {
        if (strcmp(view->workers[i].name, worker) == 0) {
            return view->workers[i].last_report_ms;
        }
    }
    return 0;
}

/* The objectives without which the trial cannot be ranked. */
static void write_missing(const struct study_def *def, unsigned missing, struct json_writer *w)
{
    if (missing == 0) {
        return;
    }
    json_write_key(w, "missing");
    json_array_begin(w);
    for (size_t k = 0; k < def->n_objectives; k++) {
        if ((missing >> k & 1) != 0) {
            json_write_string(w, def->objectives[k].metric);
        }
    }
    json_array_end(w);
}

/* "worker", "step", the objectives that are missing there, and for how long its worker has reported
 * nothing. */
static void write_awaited(const void *context, int64_t trial, struct json_writer *w)
{
    const struct awaited *awaited = context;

    for (size_t i = 0; i < awaited->view->n_leases; i++) {
        const struct live_lease_view *lease = &awaited->view->leases[i];
        if (lease->study != awaited->study || lease->trial != trial) {
            continue;
        }
        int64_t reported_ms = last_report_ms(awaited->view, lease->worker);
        json_put_string(w, "worker", lease->worker);
        if (lease->last_step >= 0) {
            json_put_step(w, "step", lease->last_step, lease->digits);
        }
        write_missing(awaited->def, lease->missing, w);
        if (reported_ms > 0) {
            json_put_number(w, "silent_seconds", (double)(awaited->now_ms - reported_ms) / 1000);
        }
        return;
    }
}

/* ---- the answer ---- */

static int write_brackets(const struct read_request *read, struct buf *out, struct err *err)
{
    const struct clock *clock = read->api->clock;
    OWN(schedule_records) struct schedule_records records = {0};
    OWN(schedule) struct schedule *schedule = NULL;
    struct json_writer w;

    TRY(schedule_records_load(read, &records, err));
    TRY(replay(read, &records, &schedule, err));
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_string(&w, "study", read->study->name);
    const struct awaited awaited = {read->view, read->study->def->def, read->study->id,
                                    clock->wall_ms(clock)};
    schedule_write_brackets(schedule, read->study->row.state, awaited.now_ms,
                            &(struct schedule_note){write_awaited, &awaited}, &w);
    json_object_end(&w);
    return 0;
}

int brackets_load(const struct read_request *read, json_t **brackets, struct err *err)
{
    OWN(buf) struct buf text;

    buf_init(&text, RESPONSE_MAX);
    TRY(write_brackets(read, &text, err));
    TRY(buf_check(&text, err));
    return json_parse_own(buf_text(&text), brackets, err);
}

static int read_brackets(struct read_request *read, struct err *err)
{
    TRY(wait_tag(read, err));
    return write_brackets(read, &read->response.body, err);
}

/* ---- rungs as rows, brackets as a drawing ---- */

static int each_rung(json_t *answer, representation_row *row, void *context, struct err *err)
{
    size_t i;
    size_t k;
    json_t *bracket;
    json_t *rung;
    size_t failures = json_failures();

    json_array_foreach (json_object_get(answer, "brackets"), i, bracket) {
        json_array_foreach (json_object_get(bracket, "rungs"), k, rung) {
            (void)json_object_set(rung, "bracket", json_object_get(bracket, "bracket"));
            (void)json_object_set(rung, "state", json_object_get(bracket, "state"));
            (void)json_object_set(rung, "next", json_object_get(bracket, "next"));
            row(context, rung);
        }
    }
    return json_check(failures, err);
}

static void draw(const json_t *answer, const struct representation_query *query, struct buf *out)
{
    const struct brackets_look look = {
        .ascii = true, .open_last = true, .width = query->width > 0 ? (size_t)query->width : 0};

    brackets_draw(answer, &look, out);
    if (json_array_size(json_object_get(answer, "brackets")) == 0) {
        buf_puts(out, json_object_get(answer, "resource") == NULL
                          ? "the study's strategy trains each trial in one go, without brackets\n"
                          : "there are no brackets yet\n");
    }
}

static const struct representation_column columns[] = {{.key = "bracket", .is_right = true},
                                                       {.key = "state"},
                                                       {.key = "rung", .is_right = true},
                                                       {.key = "resource", .is_right = true},
                                                       {.key = "size", .is_right = true},
                                                       {.key = "entered", .is_right = true},
                                                       {.key = "running", .is_right = true},
                                                       {.key = "waiting", .is_right = true},
                                                       {.key = "reported", .is_right = true},
                                                       {.key = "failed", .is_right = true},
                                                       {.key = "promoted", .is_right = true},
                                                       {.key = "next"},
                                                       {0}};
static const struct representation representation = {
    .formats = FORMATS_LIST, .columns = columns, .each_row = each_rung, .draw = draw};

static const char *const brackets_query[] = {"wait", "after", NULL};

WAIT_HANDLER(get_brackets, &representation, brackets_query, read_brackets)
