/* The options that say how metrics are found in a job's output, the same for every verb that runs
 * jobs. */
#ifndef WORKER_CLI_VERBS_READING_H
#define WORKER_CLI_VERBS_READING_H

#include <argp.h>
#include <stddef.h>

#include "worker/report/patterns.h"

#define READING_MAX 64

struct reading {
    size_t n;
    struct pattern_spec specs[READING_MAX]; /* their texts are those of the command line */
};

enum { KEY_METRIC_REGEX = 0x4000, KEY_METRIC, KEY_STEP_REGEX };

/* Rows for a verb's own options, in this group. */
#define READING_OPTIONS(group)                                                                     \
    {"metric-regex",                                                                               \
     KEY_METRIC_REGEX,                                                                             \
     "REGEX",                                                                                      \
     0,                                                                                            \
     "find metrics in the output by named groups: 'loss=(?<loss>[-+.0-9eE]+)'; may be given "      \
     "several times",                                                                              \
     group},                                                                                       \
        {"metric",                                                                                 \
         KEY_METRIC,                                                                               \
         "NAME=REGEX",                                                                             \
         0,                                                                                        \
         "find the metric NAME, whatever it is called: its value is the first group",              \
         group},                                                                                   \
    {                                                                                              \
        "step-regex", KEY_STEP_REGEX, "REGEX", 0,                                                  \
            "find the step on a line of its own: 'Epoch (\\d+)'", group                            \
    }

/* ARGP_ERR_UNKNOWN: the key is none of them. */
error_t reading_parse(struct reading *reading, int key, char *arg, const struct argp_state *state);

#endif
