#include "server/api/trial_rows.h"

#include <math.h>
#include <stdio.h>

#include "server/api/json.h"

#define CELL_BYTES (8 * SPACE_CHOICE_BYTES) /* a string may be escaped */

static bool is_full(const struct sheet *sheet)
{
    return sheet->style == SHEET_CSV;
}

static void prefixed_column(struct sheet *sheet, const char *prefix, const char *name)
{
    char text[PRINTABLE_NAME_BYTES + 16];

    (void)snprintf(text, sizeof text, "%s%s", is_full(sheet) ? prefix : "", name);
    sheet_column(sheet, text);
}

void trial_columns(struct sheet *sheet, const struct live_study_view *study)
{
    const struct space *space = study->def->def->space;

    sheet_column(sheet, "number");
    sheet_column(sheet, "state");
    sheet_column(sheet, "reason");
    sheet_column(sheet, "value");
    sheet_column(sheet, "step");
    sheet_column(sheet, "attempt");
    sheet_column(sheet, "worker");
    if (is_full(sheet)) {
        sheet_column(sheet, "source");
        sheet_column(sheet, "ordinal");
        sheet_column(sheet, "fallback");
        sheet_column(sheet, "outside");
        sheet_column(sheet, "seed");
        sheet_column(sheet, "created_at");
        sheet_column(sheet, "started_at");
        sheet_column(sheet, "ended_at");
    }
    for (size_t i = 0; i < study->n_metrics; i++) {
        prefixed_column(sheet, "metrics.", study->metrics[i]);
    }
    for (size_t i = 0; i < space->n_params; i++) {
        if (!space->params[i].is_namesake) {
            prefixed_column(sheet, "parameters.", space->params[i].name);
        }
    }
}

static void int_or_empty(struct sheet *sheet, bool present, int64_t value)
{
    if (present) {
        sheet_int(sheet, value);
    } else {
        sheet_text(sheet, "");
    }
}

static void number_or_empty(struct sheet *sheet, const json_t *value)
{
    if (value == NULL || !json_is_number_like(value)) {
        sheet_text(sheet, "");
    } else {
        sheet_number(sheet, json_number_like(value));
    }
}

static void metric_cells(struct sheet *sheet, const struct live_study_view *study,
                         const json_t *metrics)
{
    for (size_t i = 0; i < study->n_metrics; i++) {
        number_or_empty(sheet, json_object_get(metrics, study->metrics[i]));
    }
}

static void param_cells(struct sheet *sheet, const struct space *space, const double config[])
{
    OWN(buf) struct buf text;

    buf_init(&text, CELL_BYTES);
    for (size_t i = 0; i < space->n_params; i++) {
        if (space->params[i].is_namesake) {
            continue;
        }
        size_t active = space_active_namesake(space, i, config);
        buf_clear(&text);
        if (active != SPACE_NONE) {
            param_append_cell(&space->params[active], config[active], &text);
        }
        if (text.no_memory) {
            buf_lack_memory(&sheet->table.cells);
        }
        sheet_text(sheet, buf_text(&text));
    }
}

/* The step and value decided upon, or for people those that a running job has come to. */
static void progress_cells(struct sheet *sheet, const struct study_def *def,
                           const struct trial_row *row, const struct live_lease_view *lease)
{
    bool is_live =
        !is_full(sheet) && row->state == TRIAL_RUNNING && lease != NULL && lease->last_step >= 0;

    if (is_live && !isnan(lease->value)) {
        sheet_number(sheet, lease->value);
    } else if (row->n_values == 1) {
        sheet_number(sheet, row->values[0]);
    } else {
        sheet_text(sheet, "");
    }
    if (is_live || row->has_step) {
        sheet_step(sheet, is_live ? lease->last_step : row->step, def->resource_digits);
    } else {
        sheet_text(sheet, "");
    }
}

static void live_cells(struct sheet *sheet, const struct live_study_view *study,
                       const struct trial_row *row, const struct live_lease_view *lease)
{
    const struct study_def *def = study->def->def;
    int64_t number = trial_id_number(row->id);
    json_auto_t *metrics = stored_json(row->metrics, &sheet->table.cells);

    sheet_int(sheet, number);
    sheet_text(sheet, trial_state_name(row->state));
    sheet_text(sheet, row->reason);
    progress_cells(sheet, def, row, lease);
    sheet_int(sheet, row->attempt);
    sheet_text(sheet, row->worker);
    if (is_full(sheet)) {
        sheet_text(sheet, trial_source_name(row->source));
        int_or_empty(sheet, row->ordinal != 0, (int64_t)row->ordinal);
        sheet_text(sheet, row->fallback ? "true" : "false");
        sheet_text(sheet, space_is_legal(def->space, row->config) ? "false" : "true");
        sheet_int(sheet, (int64_t)trial_seed(def->seed, number));
        sheet_moment(sheet, row->created_at_ms);
        sheet_moment(sheet, row->started_at_ms);
        sheet_moment(sheet, row->ended_at_ms);
    }
    metric_cells(sheet, study, metrics);
    param_cells(sheet, def->space, row->config);
}

void trial_cells(struct sheet *sheet, const struct live_study_view *study,
                 const struct trial_row *row)
{
    live_cells(sheet, study, row, NULL);
}

void trial_item(struct item_list *listing, const struct live_study_view *study,
                const struct trial_row *row)
{
    const struct live_lease_view *lease =
        row->state == TRIAL_RUNNING
            ? live_view_lease(listing->read->view, study->id, trial_id_number(row->id))
            : NULL;

    if (listing->is_sheet) {
        live_cells(&listing->sheet, study, row, lease);
        listing->n++;
        return;
    }
    trial_write_live(study->def->def, row, lease, item_list_item(listing));
    item_list_item_end(listing);
}

void trial_sheet(const struct live_study_view *study, const struct trial_row *row, bool as_csv,
                 struct buf *out)
{
    OWN(sheet) struct sheet sheet;

    sheet_init(&sheet, SHEET_CSV);
    trial_columns(&sheet, study);
    trial_cells(&sheet, study, row);
    (as_csv ? sheet_write : sheet_write_lines)(&sheet, out);
}
