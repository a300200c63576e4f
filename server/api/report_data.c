#include "server/api/report_data.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/digest.h"
#include "common/map.h"
#include "server/api/brackets.h"
#include "server/api/weigh.h"
#include "server/report/curves.h"
#include "server/store/spans.h"

/* ---- all trials ---- */

static int add_result(struct study_report *report, struct trial_row *row, struct err *err)
{
    if (row->state != TRIAL_COMPLETED || !space_is_legal(report->def->space, row->config)) {
        return 0;
    }
    return report->def->n_objectives == 1 ? trace_add(&report->trace, row, err)
                                          : pareto_front_add(&report->front, row, err);
}

static int add_trial(void *context, struct trial_row *row, struct err *err)
{
    struct study_report *report = context;

    TRY(array_reserve(&report->trials, report->n_trials, &report->cap_trials,
                      sizeof *report->trials, err));
    struct shown_trial *trial = &report->trials[report->n_trials++];
    *trial = (struct shown_trial){
        .number = trial_id_number(row->id),
        .state = row->state,
        .n_values = row->n_values,
        .is_excluded = study_feasibility(report->def, trial_row_bounded(row)) != FEASIBLE,
        .has_step = row->has_step,
        .step = row->step,
        .started_at_ms = row->started_at_ms,
        .ended_at_ms = row->ended_at_ms,
        .ended_seq = row->ended_seq,
    };
    memcpy(trial->reason, row->reason, sizeof trial->reason);
    memcpy(trial->values, row->values, sizeof trial->values);
    return add_result(report, row, err);
}

static int gather_trials(const struct read_request *read, struct study_report *report,
                         struct err *err)
{
    const struct trial_query query = {.study = read->study->id, .limit = INT32_MAX};

    pareto_front_init(&report->front, report->def);
    report->trace.def = report->def;
    TRY(store_each_trial(read->store, &query, add_trial, report, err));
    trace_keep_improvements(&report->trace);
    return study_report_rank(report, err);
}

static int gather_configs(const struct read_request *read, struct study_report *report,
                          struct err *err)
{
    size_t chosen[REPORT_CONFIGS];
    size_t n = study_report_choose(report, chosen);

    for (size_t i = 0; i < n; i++) {
        struct shown_trial *trial = &report->trials[chosen[i]];
        OWN(trial_row) struct trial_row row = {0};
        TRY(store_trial_load(read->store, trial_id(read->study->id, trial->number), &row, err));
        trial->config = row.config;
        row.config = NULL;
    }
    return 0;
}

/* ---- attempts: who ran them, and where the time went ---- */

struct report_attempts {
    struct study_report *report;
    struct map machines; /* the place of a machine + 1, by the digest of its name */
};

static int note_machine(struct report_attempts *attempts, const char *name, struct err *err)
{
    struct study_report *report = attempts->report;
    uint64_t key = digest_text(name);
    size_t place = (size_t)(uintptr_t)map_get(&attempts->machines, key);

    if (place == 0) {
        TRY(array_reserve(&report->machines, report->n_machines, &report->cap_machines,
                          sizeof *report->machines, err));
        struct shown_machine *machine = &report->machines[report->n_machines++];
        *machine = (struct shown_machine){.n_gpus = -1};
        (void)strcpy(machine->name, name);
        place = report->n_machines;
        TRY(map_put(&attempts->machines, key, (void *)(uintptr_t)place, err));
    }
    report->machines[place - 1].attempts++;
    return 0;
}

static int add_attempt(void *context, const struct span_row *row, struct err *err)
{
    struct report_attempts *attempts = context;

    TRY(ledger_add(&attempts->report->ledger, row, err));
    return row->worker[0] == '\0' ? 0 : note_machine(attempts, row->worker, err);
}

static void name_gpus(const struct live_view *view, struct report_attempts *attempts)
{
    for (size_t i = 0; i < view->n_workers; i++) {
        size_t place =
            (size_t)(uintptr_t)map_get(&attempts->machines, digest_text(view->workers[i].name));
        if (place > 0) {
            attempts->report->machines[place - 1].n_gpus = view->workers[i].n_gpus;
        }
    }
}

static int by_attempts(const void *a, const void *b)
{
    const struct shown_machine *left = a;
    const struct shown_machine *right = b;

    if (left->attempts != right->attempts) {
        return left->attempts > right->attempts ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

static int64_t best_ended_at_ms(const struct study_report *report)
{
    return report->n_ranked == 0 || report->def->n_objectives > 1
               ? 0
               : report->trials[report->ranked[0]].ended_at_ms;
}

static int gather_attempts(const struct read_request *read, struct study_report *report,
                           struct err *err)
{
    struct report_attempts attempts = {.report = report};

    ledger_init(&report->ledger, report->def, report->made_at_ms, best_ended_at_ms(report));
    int result = store_each_span(read->store, read->study->id, add_attempt, &attempts, err);
    name_gpus(read->view, &attempts);
    map_finish(&attempts.machines);
    TRY(result);
    ledger_finish(&report->ledger);
    if (report->n_machines > 0) {
        qsort(report->machines, report->n_machines, sizeof *report->machines, by_attempts);
    }
    return 0;
}

/* ---- curves ---- */

static int gather_curve(const struct read_request *read, struct study_report *report,
                        int64_t metric, size_t place, struct err *err)
{
    struct shown_curve *curve = &report->curves[report->n_curves++]; /* which is finished with it */
    int64_t id = trial_id(read->study->id, report->trials[place].number);

    curve->trial = place;
    TRY(store_each_measurement(read->store, id, metric, learning_points_add, &curve->points, err));
    learning_points_settle(&curve->points, REPORT_CURVE_POINTS);
    if (curve->points.n == 0) {
        learning_points_finish(&curve->points);
        report->n_curves--;
    }
    return 0;
}

static int gather_curves(const struct read_request *read, struct study_report *report,
                         struct err *err)
{
    int64_t metric;

    report->curves = calloc(REPORT_CURVES, sizeof *report->curves);
    if (report->curves == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for a report");
    }
    TRY(read_metric_id(read, report->def->objectives[0].metric, &metric, err));
    for (size_t i = 0; metric >= 0 && i < report->n_ranked && i < REPORT_CURVES; i++) {
        TRY(gather_curve(read, report, metric, report->ranked[i], err));
    }
    return 0;
}

/* ---- the whole ---- */

static int gather_importance(const struct read_request *read, struct study_report *report,
                             struct err *err)
{
    struct comparable_metric metric;
    OWN(weighed) struct weighed weighed = {0};

    comparable_metric_init(&metric, report->def, NULL);
    TRY(weigh_parameters(read, &metric, &weighed, err));
    report->importance = weighed.importance;
    report->importance_level = weighed.resource;
    report->shares = weighed.shares;
    weighed.shares = NULL;
    return 0;
}

static int gather_parts(struct read_request *read, struct study_report *report, struct err *err)
{
    TRY(gather_trials(read, report, err));
    TRY(gather_configs(read, report, err));
    TRY(gather_attempts(read, report, err));
    if (report->def->n_objectives == 1) {
        TRY(gather_curves(read, report, err));
        TRY(gather_importance(read, report, err));
    }
    return brackets_load(read, &report->brackets, err);
}

int report_data_gather(struct read_request *read, struct study_row *row,
                       struct study_report *report, struct err *err)
{
    report->version = HONE_VERSION;
    report->made_at_ms = read->api->clock->wall_ms(read->api->clock);
    report->def = read->study->def->def;
    report->row = row;
    TRY(store_read_begin(read->store, err));
    int result = read_study_row(read, row, err);
    result = result == 0 ? gather_parts(read, report, err) : result;
    store_read_end(read->store);
    return result;
}
