#include "server/report/study_report.h"

#include <math.h>
#include <stdlib.h>

void study_report_finish(struct study_report *report)
{
    for (size_t i = 0; i < report->n_trials; i++) {
        free(report->trials[i].config);
    }
    for (size_t i = 0; i < report->n_curves; i++) {
        learning_points_finish(&report->curves[i].points);
    }
    free(report->trials);
    free(report->ranked);
    free(report->curves);
    free(report->shares);
    free(report->machines);
    free(report->advice);
    trace_finish(&report->trace);
    pareto_front_finish(&report->front);
    json_decref(report->brackets);
    *report = (struct study_report){0};
}

/* ---- ranks ---- */

/* As the study's best trial is found (server/state/transition.c): at the highest resource. */
static int64_t resource_of(const struct study_def *def, const struct shown_trial *trial)
{
    if (!def->has_resource || trial->state == TRIAL_COMPLETED) {
        return def->resource_max;
    }
    return trial->has_step ? study_step_down(def, trial->step) : 0;
}

static bool has_rank(const struct study_def *def, const struct shown_trial *trial)
{
    bool stopped = trial->state == TRIAL_PRUNED || trial->state == TRIAL_PAUSED;

    if (trial->is_excluded
        || (trial->state != TRIAL_COMPLETED && !(stopped && def->has_resource))) {
        return false;
    }
    for (size_t i = 0; i < trial->n_values; i++) {
        if (!isfinite(trial->values[i])) {
            return false;
        }
    }
    return trial->n_values == def->n_objectives;
}

static bool is_on_front(const struct study_report *report, int64_t number)
{
    size_t low = 0;
    size_t high = report->front.n; /* it is in order of number, as the trials were */

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (report->front.numbers[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < report->front.n && report->front.numbers[low] == number;
}

static int by_rank(const void *a, const void *b, void *context)
{
    const struct study_report *report = context;
    const struct shown_trial *left = &report->trials[*(const size_t *)a];
    const struct shown_trial *right = &report->trials[*(const size_t *)b];
    int64_t left_resource = resource_of(report->def, left);
    int64_t right_resource = resource_of(report->def, right);

    if (report->def->n_objectives > 1) {
        int order = is_on_front(report, right->number) - is_on_front(report, left->number);
        return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
    }
    if (left_resource != right_resource) {
        return left_resource > right_resource ? -1 : 1;
    }
    if (study_is_better(report->def, left->values[0], right->values[0])) {
        return -1;
    }
    return study_is_better(report->def, right->values[0], left->values[0])
               ? 1
               : (left->number > right->number) - (left->number < right->number);
}

int study_report_rank(struct study_report *report, struct err *err)
{
    if (report->def->n_objectives > 1) {
        TRY(pareto_front_reduce(&report->front, err));
    }
    report->ranked = calloc(report->n_trials + 1, sizeof *report->ranked);
    if (report->ranked == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for a report");
    }
    for (size_t i = 0; i < report->n_trials; i++) {
        if (has_rank(report->def, &report->trials[i])) {
            report->ranked[report->n_ranked++] = i;
        }
    }
    qsort_r(report->ranked, report->n_ranked, sizeof *report->ranked, by_rank, report);
    return 0;
}

/* ---- configurations ---- */

#define BEST_CONFIGS 500

size_t study_report_choose(const struct study_report *report, size_t chosen[REPORT_CONFIGS])
{
    size_t n = 0;
    size_t n_others = 0;

    for (; n < report->n_ranked && n < BEST_CONFIGS; n++) {
        chosen[n] = report->ranked[n];
    }
    n_others = report->n_ranked - n;
    size_t room = REPORT_CONFIGS - n < n_others ? REPORT_CONFIGS - n : n_others;
    for (size_t k = 0; k < room; k++) { /* evenly over the ranks that are left */
        chosen[n + k] = report->ranked[n + k * n_others / room];
    }
    return n + room;
}

int64_t study_report_gpus(const struct study_report *report)
{
    int64_t n = 0;

    for (size_t i = 0; i < report->n_machines; i++) {
        n += report->machines[i].n_gpus > 0 ? report->machines[i].n_gpus : 0;
    }
    return n;
}
