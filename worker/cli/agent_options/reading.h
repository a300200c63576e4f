/* How metrics are found in a job's output: --metric-regex, --metric, --step-regex. */
#ifndef WORKER_CLI_AGENT_OPTIONS_READING_H
#define WORKER_CLI_AGENT_OPTIONS_READING_H

#include <argp.h>
#include <stddef.h>

#include "worker/report/patterns.h"

#define READING_MAX 64

struct reading {
    size_t n;
    struct pattern_spec specs[READING_MAX]; /* their texts are those of the command line */
};

/* Fills the `struct reading` that is its input. */
extern const struct argp reading_argp;

#endif
