#include "server/api/bounds.h"

#include <math.h>

/* ---- a trial --------------------------------------------------------------------------------- */

static void write_truth(struct json_writer *w, enum feasibility feasibility)
{
    if (feasibility == FEASIBILITY_UNKNOWN) {
        json_write_null(w);
    } else {
        json_write_bool(w, feasibility == FEASIBLE);
    }
}

void bounds_write_feasible(const struct study_def *def, const struct trial_row *row,
                           struct json_writer *w)
{
    write_truth(w, def->n_bounds == 0 ? FEASIBILITY_UNKNOWN
                                      : study_feasibility(def, trial_row_bounded(row)));
}

static void put_known(struct json_writer *w, const char *key, double value)
{
    if (isnan(value)) {
        json_put_null(w, key);
    } else {
        json_put_number(w, key, value);
    }
}

void bounds_put_feasible(const struct study_def *def, const struct trial_row *row,
                         struct json_writer *w)
{
    if (def->n_bounds > 0) {
        json_write_key(w, "feasible");
        bounds_write_feasible(def, row, w);
    }
}

static void write_bound(const struct metric_bound *bound, double value, struct json_writer *w)
{
    char text[METRIC_BOUND_BYTES];
    double excess = metric_bound_excess(bound, value);

    json_object_begin(w);
    json_put_string(w, "constraint", metric_bound_text(bound, text));
    json_put_string(w, "metric", bound->metric);
    put_known(w, "value", value);
    put_known(w, "excess", isnan(excess) || excess > 0 ? excess : 0);
    json_write_key(w, "satisfied");
    write_truth(w, feasibility_of(1, bound, &value));
    json_object_end(w);
}

void bounds_put_trial(const struct study_def *def, const struct trial_row *row,
                      struct json_writer *w)
{
    if (def->n_bounds == 0) {
        return;
    }
    json_write_key(w, "constraints");
    json_array_begin(w);
    for (size_t i = 0; i < def->n_bounds; i++) {
        write_bound(&def->bounds[i], i < row->n_bounded ? row->bounded[i] : (double)NAN, w);
    }
    json_array_end(w);
}

/* ---- a study --------------------------------------------------------------------------------- */

/* Has a trial ended with a value, though none has reported the metric of this bound? */
static bool is_never_reported(const struct study_row *row, size_t bound)
{
    return row->counts[TRIAL_COMPLETED] + row->counts[TRIAL_PRUNED] > 0
           && (row->bounds_seen >> bound & 1) == 0;
}

void bounds_put_study(const struct study_def *def, const struct study_row *row,
                      struct json_writer *w)
{
    if (def->n_bounds == 0) {
        return;
    }
    json_put_int(w, "feasible_trials", row->feasible_trials);
    json_write_key(w, "never_reported");
    json_array_begin(w);
    for (size_t i = 0; i < def->n_bounds; i++) {
        if (is_never_reported(row, i)) {
            json_write_string(w, def->bounds[i].metric);
        }
    }
    json_array_end(w);
}

void bounds_put_reported(const struct live_study_view *study, const struct study_row *row,
                         struct json_writer *w)
{
    bool is_missing = false;

    for (size_t i = 0; i < study->def->def->n_bounds; i++) {
        is_missing = is_missing || is_never_reported(row, i);
    }
    if (!is_missing) {
        return;
    }
    json_write_key(w, "reported_metrics");
    json_array_begin(w);
    for (size_t i = 0; i < study->n_metrics && i < REPORTED_MAX; i++) {
        json_write_string(w, study->metrics[i]);
    }
    json_array_end(w);
}

/* ---- the nearest to feasible ------------------------------------------------------------------
 */

struct nearest {
    const struct study_def *def;
    struct trial_row row; /* without what a row owns */
    double violation;     /* NaN: none yet */
};

/* Of equal ones the first. */
static int look_nearest(void *context, struct trial_row *row, struct err *err)
{
    struct nearest *nearest = context;
    double violation = study_violation(nearest->def, trial_row_bounded(row));

    (void)err;
    if (isfinite(violation) && !(violation >= nearest->violation)
        && space_is_legal(nearest->def->space, row->config)) {
        nearest->row = *row;
        nearest->violation = violation;
    }
    return 0;
}

int bounds_put_nearest(const struct read_request *read, struct json_writer *w, struct err *err)
{
    struct nearest nearest = {.def = read->study->def->def, .violation = (double)NAN};
    const struct trial_query query = {
        .study = read->study->id, .limit = INT32_MAX, .states = 1U << TRIAL_COMPLETED};

    if (nearest.def->n_bounds == 0) {
        return 0;
    }
    TRY(store_each_trial(read->store, &query, look_nearest, &nearest, err));
    json_write_key(w, "nearest");
    if (isnan(nearest.violation)) {
        json_write_null(w);
        return 0;
    }
    json_object_begin(w);
    json_put_int(w, "trial", trial_id_number(nearest.row.id));
    json_put_number(w, "violation", nearest.violation);
    bounds_put_trial(nearest.def, &nearest.row, w);
    json_object_end(w);
    return 0;
}
