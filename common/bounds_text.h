/* Outcome constraints ("subject_to" of a study) in sentences, from the answers of the API. Each
 * appends nothing where the answer says nothing of them. Names come as they are: the caller cleans
 * what goes to a terminal. Any thread. */
#ifndef COMMON_BOUNDS_TEXT_H
#define COMMON_BOUNDS_TEXT_H

#include <jansson.h>

#include "common/buf.h"
#include "common/metric_bound.h"

/* Of a study or of GET …/best: "3 of 12 completed trials are feasible". */
void bounds_append_count(struct buf *out, const json_t *answer);
/* Of the same: "no trial has reported p99_ms, which subject_to names". */
void bounds_append_never_reported(struct buf *out, const json_t *answer);
/* Of GET …/best: "the nearest is trial 5: p99_ms 612 violates p99_ms <= 500 by 112". */
void bounds_append_nearest(struct buf *out, const json_t *best);
/* One of the "constraints" of a trial: "p99_ms 612 violates p99_ms <= 500 by 112". */
void bounds_append_constraint(struct buf *out, const json_t *constraint);
/* The metrics that `subject_to` of a study or definition names and that are none of its objectives,
 * each once, as bounds; returns how many. */
size_t bounds_metrics(const json_t *study, struct metric_bound bounds[BOUNDS_MAX]);
/* "no", "yes" or "?" for the "feasible" of a trial; "" without. */
const char *bounds_feasible_word(const json_t *trial);

#endif
