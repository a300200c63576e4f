/* Spans of time on the command line: 90s, 15m, 2h, 1d; a bare number is seconds. */
#ifndef WORKER_CLI_DEFINE_SPAN_H
#define WORKER_CLI_DEFINE_SPAN_H

#include <argp.h>
#include <stdint.h>

/* Returns seconds; negative when `text` is no span. */
double span_seconds(const char *text);
/* Returns milliseconds, at least one. Ends the program, with what is wrong, unless `arg` of this
 * option is a span longer than 0. */
int64_t span_ms_from_argument(const char *option, const char *arg, const struct argp_state *state);

#endif
