/* The table of studies, and each study's metrics and open trials. */
#ifndef SERVER_STATE_STUDIES_H
#define SERVER_STATE_STUDIES_H

#include "server/state/state.h"

/* NULL: there is none. */
struct live_study *study_named(const struct state *state, const char *name);
/* ERR_NOT_FOUND with what to do. */
MUST_USE int study_required(const struct state *state, const char *name, struct live_study **study,
                            struct err *err);

/* Adds a study: its schedule and, where it learns, its suggester are made. Copies the row's texts;
 * takes `shared`. ERR_INVALID: this honed has no such strategy. ERR_NOMEM. */
MUST_USE int study_enter(struct state *state, const struct study_row *row,
                         struct shared_def *shared, struct live_study **study, struct err *err);
/* Gives the study a new suggester, without history, in place of the one that it may have.
 * ERR_NOMEM. */
MUST_USE int study_renew_suggester(struct state *state, struct live_study *study, struct err *err);
/* Replaces the definition; takes `shared`. */
MUST_USE int study_redefine(struct live_study *study, struct shared_def *shared, struct err *err);
/* The group writes its counters, and looks at what follows from them. */
void study_touch(struct live_study *study);
/* The group looks at it: something may be prepared for it. Nothing of it is to be written. */
void study_visit(struct live_study *study);
/* The group has looked at all of them. */
void studies_settled(struct state *state);
/* Removes and frees it. Its trials must be gone. */
void study_leave(struct state *state, struct live_study *study);

/* The id of a metric's name; -1: unknown. */
int64_t metric_find(const struct live_study *study, const char *name);
/* The metrics that one request adds to a study, counted before anything is written. */
struct fresh_metrics {
    const struct live_study *study;
    size_t n;
    size_t n_others; /* those that are no objective */
    const char *names[METRICS_MAX];
};
/* ERR_INVALID when the study would have more than METRICS_MAX; its objectives always find a place.
 * `name` is borrowed. */
MUST_USE int fresh_metrics_add(struct fresh_metrics *fresh, const char *name, struct err *err);
/* Keeps the name of the next metric, in memory alone. ERR_NOMEM. */
MUST_USE int study_metric_append(struct live_study *study, const char *name, struct err *err);
/* The same as metric_find(); a new name is added. ERR_INVALID: a study keeps METRICS_MAX. */
MUST_USE int metric_id(struct state *state, struct live_study *study, const char *name, int64_t *id,
                       struct err *err);

/* A trial has ended: the suggester adds it to its history, with its curve as it is stored, and
 * discards suggestions that should have taken it into account. */
MUST_USE int study_observe(struct state *state, struct live_study *study,
                           const struct trial_row *row, struct err *err);

#endif
