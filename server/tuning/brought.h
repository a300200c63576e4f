/* Trials that are brought, as a request has them: configurations to be tried, and finished trials
 * to learn from.
 *
 * They are read and checked against a study's definition; nothing is written. */
#ifndef SERVER_TUNING_BROUGHT_H
#define SERVER_TUNING_BROUGHT_H

#include "common/wire/wire.h"
#include "server/domain/study.h"
#include "server/domain/trial.h"
#include "server/store/store.h"
#include "server/suggester/curve.h"

#define BROUGHT_MAX 1000 /* in one request */

struct brought_trial {
    bool imported;          /* it is finished */
    enum trial_state state; /* of an imported one: completed, pruned, failed or infeasible */
    bool has_step;
    int64_t step;   /* that its values were reached at */
    double *config; /* its configuration; owned. An imported one may lie outside the space */
    size_t n_metrics;
    struct metric_value *metrics;         /* owned */
    struct measurement_list measurements; /* of a pruned one with its metrics, at its step */
};

struct brought {
    size_t n;
    struct brought_trial *trials; /* owned */
};
void brought_finish(struct brought *brought);
OWN_VALUE(brought)

/* Reads one trial, or a list of 1 to BROUGHT_MAX. ERR_INVALID with every fault of all of them;
 * their pointers begin with `at`. ERR_NOMEM. */
MUST_USE int brought_read(const struct study_def *def, const json_t *body, const char *at,
                          struct brought *brought, struct faults *faults, struct err *err);
/* How a finished trial ended: *row gets its state, reason, values and step. An objective's value is
 * the trial's metric, else what its measurements make of it up to its step. ERR_NOMEM. */
MUST_USE int brought_outcome(const struct study_def *def, const struct brought_trial *trial,
                             struct trial_row *row, struct err *err);
/* Adds the measurements of the first objective to the curve, steps rising. ERR_NOMEM. */
MUST_USE int brought_curve(const struct brought_trial *trial, struct learning_curve *curve,
                           struct err *err);

#endif
