#include "server/tuning/outcome.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/state/studies.h"

const double *outcome_metric(const struct result_report *report, const char *name)
{
    for (size_t i = 0; i < report->n_metrics; i++) {
        if (strcmp(report->metrics[i].metric, name) == 0) {
            return &report->metrics[i].value;
        }
    }
    return NULL;
}

/* The value of one objective for a result at `final_step`. */
struct folding {
    const struct objective *objective;
    const double *own; /* the result's own value, or NULL */
    int64_t final_step;
    int64_t step; /* of `value`; -1: none yet */
    double value; /* at the last step seen */
    bool has_best;
    double best;
};

/* Closes the step before the next one begins: only now is its newest attempt known. */
static void close_step(struct folding *f)
{
    bool maximize = f->objective->direction == DIRECTION_MAXIMIZE;

    if (f->step < 0 || isnan(f->value)) {
        return;
    }
    if (!f->has_best || (maximize ? f->value > f->best : f->value < f->best)) {
        f->best = f->value;
        f->has_best = true;
    }
}

static int fold_one(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                    struct err *err)
{
    struct folding *f = context;

    (void)metric;
    (void)attempt;
    (void)err;
    if (step > f->final_step) {
        return 0;
    }
    if (step != f->step) {
        close_step(f);
    }
    f->step = step;
    f->value = value;
    return 0;
}

/* Reads the trial's curve. */
static int fold_curve(struct tuning *tuning, int64_t trial, int64_t metric, struct folding *f,
                      struct err *err)
{
    if (metric >= 0) {
        TRY(store_each_measurement(tuning->state.store, trial, metric, fold_one, f, err));
    }
    if (f->own != NULL) {
        if (f->step != f->final_step) {
            close_step(f);
        }
        f->step = f->final_step;
        f->value = *f->own;
    }
    close_step(f);
    if (f->objective->fold == FOLD_BEST && f->has_best) {
        f->value = f->best;
    }
    return 0;
}

/* Leaves the value in f->value; f->step stays -1 where there is none. */
static int objective_value(struct tuning *tuning, const struct live_lease *lease, struct folding *f,
                           struct err *err)
{
    int64_t metric = metric_find(lease->study, f->objective->metric);

    if (f->objective->fold == FOLD_BEST || (f->own == NULL && lease->row.number > 1)) {
        return fold_curve(tuning, lease->trial->row.id, metric, f, err);
    }
    if (f->own != NULL) {
        f->step = f->final_step;
        f->value = *f->own;
        return 0;
    }
    for (size_t i = 0; i < lease->n_last; i++) {
        if (lease->last[i].metric == metric && lease->last[i].step <= f->final_step) {
            f->step = lease->last[i].step;
            f->value = lease->last[i].value;
            return 0;
        }
    }
    return metric < 0 ? 0 : fold_curve(tuning, lease->trial->row.id, metric, f, err);
}

int outcome_objectives(struct tuning *tuning, const struct live_lease *lease,
                       const struct result_report *report, int64_t step, struct outcome_values *out,
                       struct err *err)
{
    const struct study_def *def = lease->study->def;

    *out = (struct outcome_values){.step = step, .n = def->n_objectives};
    for (size_t i = 0; i < def->n_objectives; i++) {
        struct folding f = {.objective = &def->objectives[i],
                            .own = outcome_metric(report, def->objectives[i].metric),
                            .final_step = step,
                            .step = -1};
        TRY(objective_value(tuning, lease, &f, err));
        out->found[i] = f.step >= 0;
        out->values[i] = f.value;
    }
    return 0;
}

struct objective outcome_bounded_metric(const struct study_def *def,
                                        const struct metric_bound *bound)
{
    struct objective last = {.fold = FOLD_LAST};

    for (size_t i = 0; i < def->n_objectives; i++) {
        if (strcmp(def->objectives[i].metric, bound->metric) == 0) {
            return def->objectives[i];
        }
    }
    memcpy(last.metric, bound->metric, sizeof last.metric);
    return last;
}

void outcome_set_bounded(struct trial_row *row, size_t n, const double bounded[])
{
    row->n_bounded = 0;
    for (size_t i = 0; i < n; i++) {
        row->n_bounded = isnan(bounded[i]) ? row->n_bounded : n;
    }
    memcpy(row->bounded, bounded, n * sizeof bounded[0]);
}

int outcome_keep_bounded(struct tuning *tuning, const struct live_lease *lease,
                         const struct result_report *report, int64_t step, struct err *err)
{
    const struct study_def *def = lease->study->def;
    struct trial_row *row = &lease->trial->row;
    double bounded[BOUNDS_MAX];

    for (size_t i = 0; i < def->n_bounds; i++) {
        const struct objective metric = outcome_bounded_metric(def, &def->bounds[i]);
        struct folding f = {.objective = &metric,
                            .own = outcome_metric(report, metric.metric),
                            .final_step = step,
                            .step = -1};
        TRY(objective_value(tuning, lease, &f, err));
        bounded[i] = f.step >= 0 ? f.value : i < row->n_bounded ? row->bounded[i] : (double)NAN;
    }
    outcome_set_bounded(row, def->n_bounds, bounded);
    return 0;
}

int outcome_keep_metrics(const struct live_lease *lease, const struct result_report *report,
                         struct err *err)
{
    OWN(buf) struct buf text = {0};
    struct json_writer w;

    if (lease->n_last == 0 && report->n_metrics == 0) {
        return 0;
    }
    buf_init(&text, 1 << 16);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    for (size_t i = 0; i < report->n_metrics; i++) {
        json_put_number(&w, report->metrics[i].metric, report->metrics[i].value);
    }
    for (size_t i = 0; i < lease->n_last; i++) {
        const char *name = lease->study->metrics[lease->last[i].metric];
        if (outcome_metric(report, name) == NULL) {
            json_put_number(&w, name, lease->last[i].value);
        }
    }
    json_object_end(&w);
    TRY(buf_check(&text, err));
    free(lease->trial->row.metrics);
    lease->trial->row.metrics = buf_steal(&text);
    return 0;
}

void outcome_set_values(struct trial_row *row, size_t n, const double values[])
{
    row->n_values = n == 1 && !isfinite(values[0]) ? 0 : n;
    memcpy(row->values, values, n * sizeof values[0]);
}

int outcome_keep_measured(struct tuning *tuning, const struct live_lease *lease, struct err *err)
{
    static const struct result_report nothing;
    struct live_trial *trial = lease->trial;
    struct outcome_values values = {0};
    int64_t step = lease->last_step > lease->row.from ? lease->last_step : lease->row.from;

    if (lease->last_step < 0) {
        return 0; /* this attempt measured nothing; what the last one left stands */
    }
    TRY(outcome_keep_bounded(tuning, lease, &nothing, step, err));
    TRY(outcome_objectives(tuning, lease, &nothing, step, &values, err));
    for (size_t i = 0; i < values.n; i++) {
        if (!values.found[i]) {
            return 0;
        }
    }
    outcome_set_values(&trial->row, values.n, values.values);
    TRY(outcome_keep_metrics(lease, &nothing, err));
    trial->row.has_step = true;
    trial->row.step = step;
    return 0;
}
