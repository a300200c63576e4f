/* Trials as rows: what every trial has, then a column for each parameter of the study and, in wide
 * tables, for each metric that is an objective; with outcome
 * constraints also whether a trial is feasible, and the metrics that are bounded. CSV is the
 * server's: trials_csv.h. */
#ifndef WORKER_CLI_SHOW_TRIALS_H
#define WORKER_CLI_SHOW_TRIALS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "common/metric_bound.h"
#include "common/own.h"
#include "worker/cli/show/printed_list.h"

struct trials {
    struct printed_list list;
    const json_t *study;    /* borrowed */
    struct column *columns; /* owned; the titles of metrics and parameters are the study's */
    size_t n_columns;
    bool is_bounded; /* the study has outcome constraints */
    size_t n_bounds; /* on metrics that are no objectives: columns of their own */
    struct metric_bound bounds[BOUNDS_MAX];
    size_t first_parameter; /* the columns of parameters, one for each name, are last */
    int64_t left;           /* rows still wanted; negative: all */
    size_t n_corrected;     /* trials in which reported values were replaced or ignored */
    int64_t corrected;      /* number of the first one */
};

MUST_USE int trials_begin(struct trials *trials, const struct options *options, const json_t *study,
                          struct err *err);
/* For session_each(). ERR_EXHAUSTED when `left` has come to 0. */
MUST_USE int trials_row(void *trials, json_t *trial, struct err *err);
/* As printed_list_end(). Below a table it tells on stderr in how many trials reported values were
 * replaced or ignored. */
void trials_end(struct trials *trials, bool is_whole, const char *nothing);
void trials_finish(struct trials *trials);
OWN_VALUE(trials)

#endif
