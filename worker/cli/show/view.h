/* How a study looks while it runs: a few lines redrawn in place on a terminal, one line in a pipe.
 * Drawing is pure: everything shown is in `struct view`, and the tests hold golden pictures of it.
 *
 *   digits  running 1:42                                        12.4/min, 2:20 left
 *   ███████████████████████████████████████░░░░░░░░░░░░░░░░░░░░░░░░░  17 of 40
 *   11 completed  3 running  6 pruned
 *   best    accuracy 0.9731 at 81 epochs, trial 12: lr=0.00031 units=128
 *   so far  ▁▁▁▃▃▅▅▅▅▇▇▇▇▇▇███████████  0.61 to 0.9731
 *   TRIAL  WORKER                          STEP   VALUE  TIME
 *      18  node07:0  ██░░░░░░░░░░░░░░░░░░  3/81  0.9411  0:32
 *
 * Nothing is lost down to 40 columns: lines are wrapped between words, and bars give way. */
#ifndef WORKER_CLI_SHOW_VIEW_H
#define WORKER_CLI_SHOW_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

struct view {
    const json_t *study;   /* GET …/studies/NAME; all borrowed */
    const json_t *best;    /* GET …/best; NULL: several objectives, or none yet */
    const json_t *running; /* array of trials */
    const json_t *history; /* the items of GET …/history: each time the best improved; NULL: none */
    double per_minute;     /* NaN: not known yet */
    int64_t elapsed_ms;    /* since the first lease; -1: none yet */
    int64_t now_ms;        /* wall clock, for the age of running trials */
    const char *trouble;   /* "the server does not answer"; NULL: none */
};

/* values[i] ← the best value at the i-th of `n` moments from the first lease until now; NaN before
 * there was one. */
void view_trace(const struct view *view, double values[], size_t n);
/* At most `rows` lines of at most `width` columns, each with its line end. */
void view_draw(const struct view *view, size_t width, size_t rows, bool color, struct buf *out);
/* "digits: running, 17/40 done, 3 running, best accuracy 0.9731 (trial 12), 2:20 left" */
void view_line(const struct view *view, struct buf *out);
/* Milliseconds until the study ends, by rate and limits; -1: not known. */
int64_t view_remaining_ms(const struct view *view);
/* Nothing more will happen: finished or stopped, and no trial runs. */
bool view_is_over(const struct view *view);

#endif
