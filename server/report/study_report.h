/* What a report says of a study: its data, gathered by the caller, and the page made of them.
 *
 * The writers of this folder are functions from these structs to text. They read no store, no clock
 * and no view, and change nothing. Whatever they append to a buffer is bounded, however many trials
 * and parameters there are. Values may be NaN or infinite, texts of any kind. */
#ifndef SERVER_REPORT_STUDY_REPORT_H
#define SERVER_REPORT_STUDY_REPORT_H

#include <jansson.h>

#include "common/buf.h"
#include "server/analysis/importance.h"
#include "server/analysis/learning_points.h"
#include "server/analysis/ledger.h"
#include "server/analysis/pareto.h"
#include "server/analysis/trace.h"
#include "server/domain/study.h"
#include "server/store/store.h"

struct shown_trial {
    int64_t number;
    enum trial_state state;
    char reason[REASON_BYTES];
    size_t n_values; /* one an objective; 0: none */
    double values[OBJECTIVES_MAX];
    bool is_excluded; /* it is not known to satisfy the study's outcome constraints */
    bool has_step;
    int64_t step;
    int64_t started_at_ms, ended_at_ms, ended_seq; /* 0: none */
    double *config;                                /* n_params; NULL: not kept; owned */
};

struct shown_curve {
    size_t trial;                  /* its place among the trials */
    struct learning_points points; /* of the first objective, settled; at least one */
};

struct shown_machine {
    char name[WORKER_NAME_BYTES];
    int64_t attempts;
    int64_t n_gpus; /* -1: not known; it has not been seen since the server started */
};

struct study_report {
    const char *version;
    int64_t made_at_ms;
    const struct study_def *def; /* borrowed, as the row */
    const struct study_row *row;
    size_t n_trials, cap_trials;
    struct shown_trial *trials; /* all, in order of number */
    size_t n_ranked;
    size_t *ranked;            /* their places, the best first: those that have values to compare */
    struct trace trace;        /* with one objective */
    struct pareto_front front; /* with several */
    size_t n_curves;
    struct shown_curve *curves; /* of the best, the best first */
    struct importance importance;
    int64_t importance_level;        /* of resource, at which trials were compared; 0: none */
    struct importance_share *shares; /* n_params, the first one of a name has those of all; NULL:
                                        none, as with several objectives; owned */
    size_t n_machines, cap_machines;
    struct shown_machine *machines; /* the one with most attempts first */
    struct ledger ledger;           /* finished */
    char *advice; /* why another trial than the best observed one is recommended, a sentence; NULL:
                     it is not; owned */
    json_t *brackets; /* as GET …/brackets answers; NULL: none; owned */
};

void study_report_finish(struct study_report *report);
OWN_VALUE(study_report)

/* Orders the feasible trials with values: those that reached more resource first, of these the
 * better; with several objectives the front first. Call it once all trials are there. ERR_NOMEM. */
MUST_USE int study_report_rank(struct study_report *report, struct err *err);
/* Chooses the trials of which configurations are drawn: the best ones, and some of all the others.
 * Returns how many places were written to `chosen`, at most REPORT_CONFIGS; in no order. */
#define REPORT_CONFIGS 1400
size_t study_report_choose(const struct study_report *report, size_t chosen[REPORT_CONFIGS]);

/* The GPUs of the workers that have been seen since the server started. */
int64_t study_report_gpus(const struct study_report *report);

#endif
