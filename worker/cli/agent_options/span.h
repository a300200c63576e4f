/* Spans of time on the command line: 90s, 5m, 2h, 1d; a bare number is seconds. */
#ifndef WORKER_CLI_AGENT_OPTIONS_SPAN_H
#define WORKER_CLI_AGENT_OPTIONS_SPAN_H

#include <argp.h>
#include <stdint.h>

/* Returns milliseconds, of at least a second. Ends the program, with what is wrong, unless `arg` of
 * this option is a span. */
int64_t span_from_argument(const char *option, const char *arg, const struct argp_state *state);

#endif
