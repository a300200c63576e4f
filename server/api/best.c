/* What came out of a study: the best trial, the Pareto front, the trace of improvements. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

struct point {
    int64_t number;
    double costs[OBJECTIVES_MAX];
};

struct front {
    const struct study_def *def;
    size_t n, cap;
    struct point *points; /* none dominates another */
};

/* At least as good everywhere and better somewhere. */
static bool dominates(const struct front *front, const struct point *a, const struct point *b)
{
    bool better = false;

    for (size_t i = 0; i < front->def->n_objectives; i++) {
        if (a->costs[i] > b->costs[i]) {
            return false;
        }
        better = better || a->costs[i] < b->costs[i];
    }
    return better;
}

static bool read_point(const struct study_def *def, const struct trial_row *row,
                       struct point *point)
{
    *point = (struct point){.number = trial_id_number(row->id)};
    for (size_t i = 0; i < def->n_objectives; i++) {
        double value = row->n_objectives > i ? row->objectives[i] : row->value;
        if ((row->n_objectives <= i && !row->has_value) || !isfinite(value)) {
            return false;
        }
        point->costs[i] = def->objectives[i].direction == DIRECTION_MAXIMIZE ? -value : value;
    }
    return true;
}

static int front_add(struct front *front, const struct point *point, struct err *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < front->n; i++) {
        if (dominates(front, &front->points[i], point)) {
            return 0; /* then it dominates none of the others either */
        }
    }
    for (size_t i = 0; i < front->n; i++) {
        if (!dominates(front, point, &front->points[i])) {
            front->points[kept++] = front->points[i];
        }
    }
    front->n = kept;
    if (front->n == front->cap) {
        size_t cap = front->cap == 0 ? 64 : front->cap * 2;
        struct point *points = realloc(front->points, cap * sizeof *points);
        if (points == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for the front");
        }
        front->points = points;
        front->cap = cap;
    }
    front->points[front->n++] = *point;
    return 0;
}

static int front_row(void *context, struct trial_row *row, struct err *err)
{
    struct front *front = context;
    struct point point;

    return read_point(front->def, row, &point) ? front_add(front, &point, err) : 0;
}

/* Kept points stay in order of number, since rows come so and removal keeps the order. */
static int write_front(struct reading *reading, const struct front *front, struct err *err)
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
    struct front front = {.def = reading->study->def->def};
    const struct trial_query query = {
        .study = reading->study->id, .limit = INT32_MAX, .states = 1U << TRIAL_COMPLETED};

    TRY(store_read_begin(reading->store, err));
    int result = store_each_trial(reading->store, &query, front_row, &front, err);
    if (result == 0) {
        result = write_front(reading, &front, err);
    }
    store_read_end(reading->store);
    free(front.points);
    return result;
}

/* ---- the trace ---- */

struct ended {
    int64_t seq, number, step, at_ms;
    bool has_step;
    double value;
};

struct trace {
    size_t n, cap;
    struct ended *items;
};

static int trace_row(void *context, struct trial_row *row, struct err *err)
{
    struct trace *trace = context;

    if (!row->has_value || !isfinite(row->value)) {
        return 0;
    }
    if (trace->n == trace->cap) {
        size_t cap = trace->cap == 0 ? 256 : trace->cap * 2;
        struct ended *items = realloc(trace->items, cap * sizeof *items);
        if (items == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for the trace");
        }
        trace->items = items;
        trace->cap = cap;
    }
    trace->items[trace->n++] = (struct ended){.seq = row->ended_seq,
                                              .number = trial_id_number(row->id),
                                              .step = row->step,
                                              .has_step = row->has_step,
                                              .at_ms = row->ended_at_ms,
                                              .value = row->value};
    return 0;
}

static int compare_ended(const void *a, const void *b)
{
    const struct ended *x = a;
    const struct ended *y = b;

    if (x->seq != y->seq) {
        return x->seq < y->seq ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number ? 1 : 0;
}

static void write_improvement(struct listing *listing, const struct ended *item)
{
    struct json_writer *w;

    if (listing->is_sheet) {
        sheet_int(&listing->sheet, item->number);
        sheet_number(&listing->sheet, item->value);
        if (item->has_step) {
            sheet_int(&listing->sheet, item->step);
        } else {
            sheet_text(&listing->sheet, "");
        }
        sheet_moment(&listing->sheet, item->at_ms);
        return;
    }
    w = listing_item(listing);
    json_object_begin(w);
    json_put_int(w, "number", item->number);
    json_put_number(w, "value", item->value);
    json_write_key(w, "step");
    if (item->has_step) {
        json_write_int(w, item->step);
    } else {
        json_write_null(w);
    }
    json_put_moment(w, "ended_at", item->at_ms);
    json_object_end(w);
    listing_item_end(listing);
}

static void write_trace(struct reading *reading, const struct trace *trace)
{
    static const char *const columns[] = {"number", "value", "step", "ended_at"};
    const struct study_def *def = reading->study->def->def;
    OWN(listing) struct listing listing = {0};
    const struct ended *best = NULL;

    listing_begin(&listing, reading);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        sheet_column(&listing.sheet, columns[i]);
    }
    for (size_t i = 0; i < trace->n; i++) {
        if (best == NULL || study_is_better(def, trace->items[i].value, best->value)) {
            best = &trace->items[i];
            write_improvement(&listing, best);
        }
    }
    listing_end(&listing, NULL);
}

/* Completed trials only: a pruned one's value was measured at a lower resource. */
static int read_history(struct reading *reading, struct err *err)
{
    struct trace trace = {0};
    const struct trial_query query = {
        .study = reading->study->id, .limit = INT32_MAX, .states = 1U << TRIAL_COMPLETED};

    TRY(require_one_objective(reading, err));
    int result = store_each_trial(reading->store, &query, trace_row, &trace, err);
    if (result == 0) {
        if (trace.n > 0) {
            qsort(trace.items, trace.n, sizeof trace.items[0], compare_ended);
        }
        write_trace(reading, &trace);
    }
    free(trace.items);
    return result;
}

READING_HANDLER(get_best, FORMATS_ONE, NULL, read_best)
READING_HANDLER(get_pareto, FORMATS_LIST, NULL, read_pareto)
READING_HANDLER(get_history, FORMATS_LIST, NULL, read_history)
