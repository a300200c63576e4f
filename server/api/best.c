/* The results of a study: the best trial, the Pareto front, the trace of improvements. */
#include "server/analysis/pareto.h"
#include "server/analysis/trace.h"
#include "server/api/resources.h"
#include "server/api/trial_rows.h"

static int require_one_objective(const struct reading *reading, struct err *err)
{
    if (reading->study->def->def->n_objectives == 1) {
        return 0;
    }
    return err_set(err, ERR_WRONG_STATE,
                   "the study has several objectives and no single best trial; see "
                   "/v1/studies/%s/pareto",
                   reading->study->name);
}

/* ---- best: the writer keeps it with the study ---- */

static void write_best(struct reading *reading, const struct study_row *study,
                       const struct trial_row *trial)
{
    struct buf *out = &reading->response.body;
    struct json_writer w;

    if (reading->format != FORMAT_JSON) {
        if (trial != NULL) {
            trial_lines(reading->study, trial, out);
        }
        return;
    }
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_write_key(&w, "trial");
    if (trial != NULL) {
        trial_write(reading->study->def->def, trial, &w);
    } else {
        json_write_null(&w);
    }
    json_write_key(&w, "resource");
    if (trial != NULL && reading->study->def->def->has_resource) {
        json_write_int(&w, study->best_resource);
    } else {
        json_write_null(&w);
    }
    json_object_end(&w);
    buf_putc(out, '\n');
}

static int read_best_rows(struct reading *reading, struct err *err)
{
    OWN(study_row) struct study_row study = {0};
    OWN(trial_row) struct trial_row trial = {0};

    TRY(reading_study_row(reading, &study, err));
    if (study.best_trial != 0) {
        TRY(store_trial_load(reading->store, trial_id(study.id, study.best_trial), &trial, err));
    }
    write_best(reading, &study, study.best_trial != 0 ? &trial : NULL);
    return 0;
}

static int read_best(struct reading *reading, struct err *err)
{
    TRY(require_one_objective(reading, err));
    TRY(store_read_begin(reading->store, err));
    int result = read_best_rows(reading, err);
    store_read_end(reading->store);
    return result;
}

/* ---- Pareto front ---- */

/* The points are in order of number, as the rows were. */
static int write_front(struct reading *reading, const struct pareto_front *front, struct err *err)
{
    OWN(listing) struct listing listing = {0};

    listing_begin(&listing, reading);
    if (listing.is_sheet) {
        trial_columns(&listing.sheet, reading->study);
    }
    for (size_t i = 0; i < front->n; i++) {
        OWN(trial_row) struct trial_row row = {0};
        TRY(store_trial_load(reading->store, trial_id(reading->study->id, front->points[i].number),
                             &row, err));
        trial_item(&listing, reading->study, &row);
    }
    listing_end(&listing, NULL);
    return 0;
}

static int read_pareto(struct reading *reading, struct err *err)
{
    OWN(pareto_front) struct pareto_front front;
    const struct trial_query query = {
        .study = reading->study->id, .limit = INT32_MAX, .states = 1U << TRIAL_COMPLETED};

    pareto_front_init(&front, reading->study->def->def);
    TRY(store_read_begin(reading->store, err));
    int result = store_each_trial(reading->store, &query, pareto_front_add, &front, err);
    if (result == 0) {
        result = write_front(reading, &front, err);
    }
    store_read_end(reading->store);
    return result;
}

/* ---- the trace ---- */

static void write_improvement(struct listing *listing, const struct trace_point *point)
{
    struct json_writer *w;

    if (listing->is_sheet) {
        sheet_int(&listing->sheet, point->number);
        sheet_number(&listing->sheet, point->value);
        if (point->has_step) {
            sheet_int(&listing->sheet, point->step);
        } else {
            sheet_text(&listing->sheet, "");
        }
        sheet_moment(&listing->sheet, point->ended_at_ms);
        return;
    }
    w = listing_item(listing);
    json_object_begin(w);
    json_put_int(w, "number", point->number);
    json_put_number(w, "value", point->value);
    json_write_key(w, "step");
    if (point->has_step) {
        json_write_int(w, point->step);
    } else {
        json_write_null(w);
    }
    json_put_moment(w, "ended_at", point->ended_at_ms);
    json_object_end(w);
    listing_item_end(listing);
}

static void write_trace(struct reading *reading, const struct trace *trace)
{
    static const char *const columns[] = {"number", "value", "step", "ended_at"};
    OWN(listing) struct listing listing = {0};

    listing_begin(&listing, reading);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        sheet_column(&listing.sheet, columns[i]);
    }
    for (size_t i = 0; i < trace->n; i++) {
        write_improvement(&listing, &trace->points[i]);
    }
    listing_end(&listing, NULL);
}

/* Completed trials only: a pruned one's value was measured at a lower resource. */
static int read_history(struct reading *reading, struct err *err)
{
    OWN(trace) struct trace trace = {0};
    const struct trial_query query = {
        .study = reading->study->id, .limit = INT32_MAX, .states = 1U << TRIAL_COMPLETED};

    TRY(require_one_objective(reading, err));
    TRY(store_each_trial(reading->store, &query, trace_add, &trace, err));
    trace_keep_improvements(&trace, reading->study->def->def);
    write_trace(reading, &trace);
    return 0;
}

READING_HANDLER(get_best, FORMATS_ONE, NULL, read_best)
READING_HANDLER(get_pareto, FORMATS_LIST, NULL, read_pareto)
READING_HANDLER(get_history, FORMATS_LIST, NULL, read_history)
