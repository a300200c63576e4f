#include "worker/cli/top/pages.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/bounds_text.h"
#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/plot.h"
#include "worker/cli/show/study.h"
#include "worker/cli/text.h"

enum { TEXT_BYTES = 1 << 16, BAR = 12 };

static void cell_int(struct grid *grid, int64_t n)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, n);
    grid_cell(grid, text);
}

/* "0:12 ago" */
static void cell_age(struct grid *grid, const char *moment, int64_t now_ms)
{
    int64_t at_ms = text_moment_ms(moment);
    char span[TEXT_SPAN_BYTES];

    grid_cell(grid, at_ms < 0 ? "" : text_span(now_ms - at_ms, span));
}

/* ---- studies -------------------------------------------------------------------------------- */

static const struct grid_column study_columns[] = {
    {"STUDY", false, 0}, {"STATE", false, 1},    {"PROGRESS", false, 4},
    {"DONE", true, 1},   {"RUNNING", true, 2},   {"WAITING", true, 5},
    {"FAILED", true, 3}, {"STRATEGY", false, 6}, {"OBJECTIVE", false, 7}};

static void study_cells(const json_t *study, struct grid *grid)
{
    OWN(buf) struct buf text = {0};
    int64_t trials = int_at(json_object_get(study, "limits"), "trials", -1);
    int64_t done = study_count_done(study);

    buf_init(&text, TEXT_BYTES);
    grid_cell(grid, text_at(study, "name"));
    study_append_state(&text, study);
    grid_cell(grid, buf_text(&text));
    buf_clear(&text);
    if (trials > 0) {
        plot_bar((double)done, (double)trials, BAR, &text);
    }
    grid_cell(grid, buf_text(&text));
    buf_clear(&text);
    buf_printf(&text, trials > 0 ? "%" PRId64 "/%" PRId64 : "%" PRId64, done, trials);
    grid_cell(grid, buf_text(&text));
    cell_int(grid, study_count(study, "running"));
    cell_int(grid, study_count(study, "queued") + study_count(study, "paused"));
    cell_int(grid, study_count(study, "failed"));
    buf_clear(&text);
    study_append_strategy(&text, study);
    grid_cell(grid, buf_text(&text));
    buf_clear(&text);
    study_append_objectives(&text, study);
    grid_cell(grid, buf_text(&text));
}

void page_studies(const struct top_rows *rows, size_t from, size_t to, struct grid *grid)
{
    grid_init(grid, study_columns, sizeof study_columns / sizeof study_columns[0]);
    for (size_t i = from; i < to; i++) {
        study_cells(rows->items[i], grid);
    }
}

/* ---- workers -------------------------------------------------------------------------------- */

static const struct grid_column worker_columns[] = {
    {"WORKER", false, 0}, {"STATE", false, 1},   {"DOES", false, 2},  {"COMPLETED", true, 4},
    {"FAILED", true, 5},  {"PER HOUR", true, 2}, {"SILENT", true, 3}, {"REASON", false, 3}};

/* "hb #43, step 9" and how many more. */
static void append_leases(const json_t *worker, struct buf *out)
{
    const json_t *leases = json_object_get(worker, "leases");
    const json_t *first = json_array_get(leases, 0);
    char step[JSON_NUMBER_BYTES];

    if (first == NULL) {
        buf_puts(out, json_is_true(json_object_get(worker, "waiting")) ? "waits" : "");
        return;
    }
    buf_printf(out, "%.60s #%" PRId64, text_at(first, "study"), int_at(first, "trial", 0));
    const char *reached = number_text_at(first, "step", NULL, step);
    if (reached != NULL) {
        buf_printf(out, " at %s", reached);
    }
    if (json_array_size(leases) > 1) {
        buf_printf(out, " +%zu", json_array_size(leases) - 1);
    }
}

static const char *per_hour(double speed, char text[TEXT_NUMBER_BYTES])
{
    return text_number(speed < 100 ? speed : round(speed), 3, text);
}

static void worker_cells(const struct top *top, const json_t *worker, struct grid *grid)
{
    OWN(buf) struct buf text = {0};
    char number[TEXT_NUMBER_BYTES];
    const json_t *speed = json_object_get(worker, "completed_per_hour");

    buf_init(&text, TEXT_BYTES);
    grid_cell(grid, text_at(worker, "name"));
    grid_cell(grid, text_at(worker, "state"));
    append_leases(worker, &text);
    grid_cell(grid, buf_text(&text));
    cell_int(grid, int_at(worker, "completed", 0));
    cell_int(grid, int_at(worker, "failed", 0));
    grid_cell(grid, json_is_number(speed) ? per_hour(json_number_value(speed), number) : "");
    cell_age(grid, text_at(worker, "last_report_at"), top->now_ms);
    grid_cell(grid, text_at(worker, "reason"));
}

void page_workers(const struct top *top, const struct top_rows *rows, size_t from, size_t to,
                  struct grid *grid)
{
    grid_init(grid, worker_columns, sizeof worker_columns / sizeof worker_columns[0]);
    for (size_t i = from; i < to; i++) {
        worker_cells(top, rows->items[i], grid);
    }
}

/* ---- trials --------------------------------------------------------------------------------- */

static const struct grid_column trial_columns[] = {
    {"TRIAL", true, 0},   {"STATE", false, 1}, {"VALUE", true, 0},   {"STEP", true, 1},
    {"REASON", false, 3}, {"TIME", true, 4},   {"WORKER", false, 2}, {"PARAMETERS", false, 5}};

static void cell_value(struct grid *grid, const json_t *value, int digits)
{
    char number[TEXT_NUMBER_BYTES];

    grid_cell(grid, json_is_number_like(value)
                        ? text_number(json_number_like(value), digits, number)
                        : "");
}

/* Why it ended so, or why it does not count among the best though it is complete. */
static const char *reason_of(const json_t *trial)
{
    const char *feasible = bounds_feasible_word(trial);
    bool is_complete = strcmp(text_at(trial, "state"), "completed") == 0;

    return !is_complete || strcmp(feasible, "yes") == 0 || *feasible == '\0'
               ? text_at(trial, "reason")
           : strcmp(feasible, "no") == 0 ? "not feasible"
                                         : "not known to be feasible";
}

static void trial_cells(const struct top *top, const json_t *trial, struct grid *grid)
{
    OWN(buf) struct buf text = {0};
    int64_t began_ms = text_moment_ms(text_at(trial, "started_at"));
    int64_t ended_ms = text_moment_ms(text_at(trial, "ended_at"));
    char span[TEXT_SPAN_BYTES];

    buf_init(&text, TEXT_BYTES);
    cell_int(grid, int_at(trial, "number", 0));
    grid_cell(grid, text_at(trial, "state"));
    cell_value(grid, trial_progress(trial, "value"), 4);
    cell_value(grid, trial_progress(trial, "step"), 12);
    grid_cell(grid, reason_of(trial));
    grid_cell(grid, began_ms < 0
                        ? ""
                        : text_span((ended_ms < 0 ? top->now_ms : ended_ms) - began_ms, span));
    grid_cell(grid, text_at(trial, "worker"));
    parameters_append(&text, json_object_get(trial, "parameters"), 4);
    grid_cell(grid, buf_text(&text));
}

void page_trials(const struct top *top, const struct top_rows *rows, struct grid *grid)
{
    grid_init(grid, trial_columns, sizeof trial_columns / sizeof trial_columns[0]);
    for (size_t i = 0; i < rows->n; i++) {
        trial_cells(top, rows->items[i], grid);
    }
}
