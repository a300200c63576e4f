/* What the verbs of a study share: texts for its parts, as people read them. */
#ifndef WORKER_CLI_SHOW_STUDY_H
#define WORKER_CLI_SHOW_STUDY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/figures.h"
#include "worker/cli/options.h"

#define STUDY_MISSING "name the study; 'hone study list' shows which there are"

/* "finished (trials)" */
void study_append_state(struct buf *out, const json_t *study);
/* Prints to standard error why the study is finished, where its reason alone does not tell. */
void study_print_detail(const json_t *study);
/* Why GET …/best names no trial, or the Pareto front has none: "no trial of 'digits' has a value
 * yet", or what is known of its outcome constraints; "" where `best` names one. `best` is the
 * answer of …/best; with several objectives, the study itself. */
void study_append_no_best(struct buf *out, const json_t *study, const json_t *best);
/* "maximize accuracy, minimize latency" */
void study_append_objectives(struct buf *out, const json_t *study);
/* "nothing about lr is learned from 'older': …", an item of "not_learned". */
void study_append_not_learned(struct buf *out, const json_t *item);
/* "hyperband, eta 3, search random" */
void study_append_strategy(struct buf *out, const json_t *study);
/* "float 1e-05..0.1 log, step 0.1, when kernel is poly" */
void parameter_append_domain(struct buf *out, const json_t *parameter);

int64_t study_count(const json_t *study, const char *state);
/* Trials that have ended, however. */
int64_t study_count_done(const json_t *study);
/* What a trial has come to, its "step" or "value": while it runs, what its job measured last;
 * borrowed, NULL where nothing was. */
const json_t *trial_progress(const json_t *trial, const char *key);
/* The metric, if the study has one objective; else NULL. */
const char *study_metric(const json_t *study);

/* Asks to type `name` on the terminal unless --yes was given; ERR_INVALID without a terminal, and
 * when something else was typed. */
MUST_USE int confirm(const struct options *options, const char *what, const char *name,
                     struct err *err);

#endif
