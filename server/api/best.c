/* The results of a study: the best trial, the Pareto front, the trace of improvements. */
#include "server/api/best.h"

#include "common/step.h"
#include "server/analysis/pareto.h"
#include "server/analysis/trace.h"
#include "server/api/json.h"
#include "server/api/trial_rows.h"

static int require_one_objective(const struct read_request *read, struct err *err)
{
    if (read->study->def->def->n_objectives == 1) {
        return 0;
    }
    return err_set(err, ERR_WRONG_STATE,
                   "the study has several objectives and no single best trial; see "
                   "/v1/studies/%s/pareto",
                   read->study->name);
}

/* ---- best: the writer keeps it with the study ---- */

static void write_best(struct read_request *read, const struct study_row *study,
                       const struct trial_row *trial)
{
    struct buf *out = &read->response.body;
    struct json_writer w;

    if (read->format != FORMAT_JSON) {
        if (trial != NULL) {
            trial_sheet(read->study, trial, false, out);
        }
        return;
    }
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_write_key(&w, "trial");
    if (trial != NULL) {
        trial_write(read->study->def->def, trial, &w);
    } else {
        json_write_null(&w);
    }
    json_write_key(&w, "resource");
    if (trial != NULL && read->study->def->def->has_resource) {
        json_write_step(&w, study->best_resource, read->study->def->def->resource_digits);
    } else {
        json_write_null(&w);
    }
    json_object_end(&w);
    buf_putc(out, '\n');
}

static int read_best_rows(struct read_request *read, struct err *err)
{
    OWN(study_row) struct study_row study = {0};
    OWN(trial_row) struct trial_row trial = {0};

    TRY(read_study_row(read, &study, err));
    if (study.best_trial != 0) {
        TRY(store_trial_load(read->store, trial_id(study.id, study.best_trial), &trial, err));
    }
    write_best(read, &study, study.best_trial != 0 ? &trial : NULL);
    return 0;
}

static int read_best(struct read_request *read, struct err *err)
{
    TRY(require_one_objective(read, err));
    TRY(store_read_begin(read->store, err));
    int result = read_best_rows(read, err);
    store_read_end(read->store);
    return result;
}

/* ---- Pareto front ---- */

/* The points are in order of number, as the rows were. */
static int write_front(struct read_request *read, const struct pareto_front *front, struct err *err)
{
    OWN(item_list) struct item_list listing = {0};

    item_list_begin(&listing, read);
    if (listing.is_sheet) {
        trial_columns(&listing.sheet, read->study);
    }
    for (size_t i = 0; i < front->n; i++) {
        OWN(trial_row) struct trial_row row = {0};
        TRY(store_trial_load(read->store, trial_id(read->study->id, front->points[i].number), &row,
                             err));
        trial_item(&listing, read->study, &row);
    }
    item_list_end(&listing, NULL);
    return 0;
}

/* Trials outside the study's space are evidence, and never among the best. */
struct inside {
    const struct space *space;
    int (*add)(void *to, struct trial_row *row, struct err *err);
    void *to;
};

static int add_inside(void *context, struct trial_row *row, struct err *err)
{
    const struct inside *inside = context;

    return space_is_legal(inside->space, row->config) ? inside->add(inside->to, row, err) : 0;
}

static int each_inside(const struct read_request *read,
                       int (*add)(void *to, struct trial_row *row, struct err *err), void *to,
                       struct err *err)
{
    struct inside inside = {read->study->def->def->space, add, to};
    const struct trial_query query = {
        .study = read->study->id, .limit = INT32_MAX, .states = 1U << TRIAL_COMPLETED};

    return store_each_trial(read->store, &query, add_inside, &inside, err);
}

static int read_pareto(struct read_request *read, struct err *err)
{
    OWN(pareto_front) struct pareto_front front;

    pareto_front_init(&front, read->study->def->def);
    TRY(store_read_begin(read->store, err));
    int result = each_inside(read, pareto_front_add, &front, err);
    if (result == 0) {
        result = write_front(read, &front, err);
    }
    store_read_end(read->store);
    return result;
}

/* ---- the trace ---- */

static void write_improvement(struct item_list *listing, const struct trace_point *point)
{
    int digits = listing->read->study->def->def->resource_digits;
    struct json_writer *w;

    if (listing->is_sheet) {
        sheet_int(&listing->sheet, point->number);
        sheet_number(&listing->sheet, point->value);
        if (point->has_step) {
            sheet_step(&listing->sheet, point->step, digits);
        } else {
            sheet_text(&listing->sheet, "");
        }
        sheet_moment(&listing->sheet, point->ended_at_ms);
        return;
    }
    w = item_list_item(listing);
    json_object_begin(w);
    json_put_int(w, "number", point->number);
    json_put_number(w, "value", point->value);
    json_write_key(w, "step");
    if (point->has_step) {
        json_write_step(w, point->step, digits);
    } else {
        json_write_null(w);
    }
    json_put_moment(w, "ended_at", point->ended_at_ms);
    json_object_end(w);
    item_list_item_end(listing);
}

static void write_trace(struct read_request *read, const struct trace *trace)
{
    static const char *const columns[] = {"number", "value", "step", "ended_at"};
    OWN(item_list) struct item_list listing = {0};

    item_list_begin(&listing, read);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        sheet_column(&listing.sheet, columns[i]);
    }
    for (size_t i = 0; i < trace->n; i++) {
        write_improvement(&listing, &trace->points[i]);
    }
    item_list_end(&listing, NULL);
}

/* Completed trials only: a pruned one's value was measured at a lower resource. */
static int read_history(struct read_request *read, struct err *err)
{
    OWN(trace) struct trace trace = {0};

    TRY(require_one_objective(read, err));
    TRY(each_inside(read, trace_add, &trace, err));
    trace_keep_improvements(&trace, read->study->def->def);
    write_trace(read, &trace);
    return 0;
}

READ_HANDLER(get_best, FORMATS_ONE, NULL, read_best)
READ_HANDLER(get_pareto, FORMATS_LIST, NULL, read_pareto)
READ_HANDLER(get_history, FORMATS_LIST, NULL, read_history)
