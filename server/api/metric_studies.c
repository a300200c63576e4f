#include "server/api/metric_studies.h"

#include <math.h>
#include <stdlib.h>

#include "server/analysis/slots_wanted.h"
#include "server/api/metric_lines.h"

struct study_series {
    const char *name;
    const char *objective; /* NULL: there is no single one, or no best value */
    double best_value;
    double slots_wanted;
    int64_t feasible; /* completed trials that satisfy its bounds; -1: it has none */
    int64_t counts[TRIAL_STATE_COUNT];
    struct tally tally;
};

/* ---- which studies ---- */

static int by_rank(const void *a, const void *b)
{
    const struct live_study_view *left = *(const struct live_study_view *const *)a;
    const struct live_study_view *right = *(const struct live_study_view *const *)b;
    bool left_done = left->row.state == STUDY_FINISHED || left->row.state == STUDY_STOPPED;
    bool right_done = right->row.state == STUDY_FINISHED || right->row.state == STUDY_STOPPED;

    if (left_done != right_done) {
        return left_done ? 1 : -1;
    }
    return (left->id < right->id) - (left->id > right->id);
}

static struct study_series series_of(const struct live_study_view *study)
{
    const struct study_def *def = study->def->def;
    int64_t slots = slots_wanted(def, &study->row);
    struct study_series series = {
        .name = study->name,
        .best_value = study->row.best_value,
        .slots_wanted = slots == SLOTS_UNLIMITED ? (double)INFINITY : (double)slots,
        .feasible = def->n_bounds > 0 ? study->row.feasible_trials : -1,
        .tally = study->tally,
    };

    if (def->n_objectives == 1 && study->row.best_trial != 0) {
        series.objective = def->objectives[0].metric;
    }
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
        series.counts[i] = study->row.counts[i];
    }
    return series;
}

static void add(struct study_series *sum, const struct study_series *one)
{
    sum->slots_wanted += one->slots_wanted;
    if (one->feasible >= 0) {
        sum->feasible = (sum->feasible > 0 ? sum->feasible : 0) + one->feasible;
    }
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
        sum->counts[i] += one->counts[i];
        sum->tally.finished[i] += one->tally.finished[i];
    }
    for (int i = 0; i < COMPUTE_FATE_COUNT; i++) {
        sum->tally.compute_ms[i] += one->tally.compute_ms[i];
    }
    if (one->tally.last_report_ms > sum->tally.last_report_ms) {
        sum->tally.last_report_ms = one->tally.last_report_ms;
    }
}

/* Returns how many series there are: METRIC_STUDIES_MAX and one for the others, or fewer. */
static size_t fold(const struct live_view *view, const struct live_study_view *ranked[],
                   struct study_series series[])
{
    for (size_t i = 0; i < view->n_studies; i++) {
        ranked[i] = &view->studies[i];
    }
    qsort(ranked, view->n_studies, sizeof *ranked, by_rank);
    for (size_t i = 0; i < view->n_studies && i < METRIC_STUDIES_MAX; i++) {
        series[i] = series_of(ranked[i]);
    }
    if (view->n_studies <= METRIC_STUDIES_MAX) {
        return view->n_studies;
    }
    struct study_series *others = &series[METRIC_STUDIES_MAX];
    *others = (struct study_series){.name = "_other", .feasible = -1};
    for (size_t i = METRIC_STUDIES_MAX; i < view->n_studies; i++) {
        const struct study_series one = series_of(ranked[i]);
        add(others, &one);
    }
    return METRIC_STUDIES_MAX + 1;
}

/* ---- the lines of one study ---- */

static void put(struct buf *out, const char *metric, const struct study_series *series,
                const char *label, const char *value, double number)
{
    const struct metric_labels labels = {{"study", label}, {series->name, value}};

    metric_line(out, metric, &labels, number);
}

static void put_trials(struct buf *out, const char *metric, const struct study_series *series)
{
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
        put(out, metric, series, "state", trial_state_name((enum trial_state)i),
            (double)series->counts[i]);
    }
}

static void put_finished(struct buf *out, const char *metric, const struct study_series *series)
{
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
        if (trial_state_is_final((enum trial_state)i)) {
            put(out, metric, series, "outcome", trial_state_name((enum trial_state)i),
                (double)series->tally.finished[i]);
        }
    }
}

static void put_best(struct buf *out, const char *metric, const struct study_series *series)
{
    if (series->objective != NULL) {
        put(out, metric, series, "objective", series->objective, series->best_value);
    }
}

static void put_feasible(struct buf *out, const char *metric, const struct study_series *series)
{
    if (series->feasible >= 0) {
        put(out, metric, series, NULL, NULL, (double)series->feasible);
    }
}

static void put_compute(struct buf *out, const char *metric, const struct study_series *series)
{
    for (int i = 0; i < COMPUTE_FATE_COUNT; i++) {
        put(out, metric, series, "fate", compute_fate_name((enum compute_fate)i),
            (double)series->tally.compute_ms[i] / 1000);
    }
}

static void put_report(struct buf *out, const char *metric, const struct study_series *series)
{
    if (series->tally.last_report_ms > 0) {
        put(out, metric, series, NULL, NULL, (double)series->tally.last_report_ms / 1000);
    }
}

static void put_slots(struct buf *out, const char *metric, const struct study_series *series)
{
    put(out, metric, series, NULL, NULL, series->slots_wanted);
}

static const struct {
    const char *name, *type, *help;
    void (*put)(struct buf *out, const char *metric, const struct study_series *series);
} metrics[] = {
    {"trials", "gauge", "Trials by study and state.", put_trials},
    {"trials_finished_total", "counter", "Trials that ended, by outcome, since the start.",
     put_finished},
    {"best_value", "gauge", "The best value of a study with one objective.", put_best},
    {"feasible_trials", "gauge",
     "Completed trials that satisfy the bounds of a study that has some (subject_to).",
     put_feasible},
    {"compute_seconds_total", "counter",
     "Seconds of workers since the start: kept, wasted by attempts that were lost, failed or "
     "cancelled, and an estimate of those saved by pruning.",
     put_compute},
    {"last_report_timestamp_seconds", "gauge", "When a worker last reported to the study.",
     put_report},
    {"slots_wanted", "gauge", "Slots of workers that a study could keep busy.", put_slots},
};

int metric_studies(struct buf *out, const struct live_view *view, struct err *err)
{
    OWN(memory) struct study_series *series = calloc(METRIC_STUDIES_MAX + 1, sizeof *series);
    OWN(memory) const struct live_study_view **ranked = calloc(view->n_studies + 1, sizeof *ranked);

    if (series == NULL || ranked == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for the metrics of studies");
    }
    size_t n = fold(view, ranked, series);
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        metric_head(out, metrics[i].name, metrics[i].type, metrics[i].help);
        for (size_t k = 0; k < n; k++) {
            metrics[i].put(out, metrics[i].name, &series[k]);
        }
    }
    return 0;
}
