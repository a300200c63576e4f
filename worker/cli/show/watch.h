/* Follows a study: asks the server, draws on a terminal, writes lines into a pipe. Used by `study
 * watch` and by `run`. The server may go away and come back meanwhile; only after a minute
 * without an answer is that an error. */
#ifndef WORKER_CLI_SHOW_WATCH_H
#define WORKER_CLI_SHOW_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/err.h"
#include "worker/cli/session.h"
#include "worker/cli/show/rate.h"
#include "worker/cli/show/view.h"

struct watch {
    struct session *session; /* borrowed, as is the name */
    const char *study_name;
    const struct clock *clock;
    FILE *out;
    bool terminal; /* redrawn in place */
    bool color;
    bool quiet;     /* draws nothing */
    size_t n_lines; /* of the last display, which the next one replaces */
    struct rate rate;
    int64_t first_start_ms;  /* wall clock of the first lease; -1: none yet */
    int64_t silent_since_ms; /* monotonic; -1: the server answers */
    int64_t last_line_ms;
    char last_state[32];
    bool told_over;    /* the last line was of a study that is over */
    bool told_missing; /* it named a metric that nobody has reported */
    int64_t last_best;
    json_t *study, *best, *running, *history; /* owned: the last answers */
};

void watch_begin(struct watch *watch, struct session *session, const char *study, FILE *out,
                 bool color);
void watch_finish(struct watch *watch);
OWN_VALUE(watch)

/* Asks the server once and draws. *over: nothing more will happen. ERR_UNREACHABLE after a minute
 * without an answer; other errors are those of session_get(). */
MUST_USE int watch_look(struct watch *watch, bool *over, struct err *err);
/* Writes a line from another source above the display; cleaned here. */
void watch_note(struct watch *watch, const char *line, size_t len);

#endif
