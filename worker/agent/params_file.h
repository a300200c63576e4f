/* A file that holds the parameters of a trial and nothing else, for programs that read their
 * configuration whole: `{params.json}` and `{params.yaml}` are its path. It is written only where
 * the command names it. */
#ifndef WORKER_AGENT_PARAMS_FILE_H
#define WORKER_AGENT_PARAMS_FILE_H

#include <jansson.h>

#include "common/buf.h"
#include "common/err.h"
#include "worker/agent/expand.h"

/* Writes the files that the command names. */
MUST_USE int params_file_write(char *const argv[], const struct expand_values *values,
                               struct err *err);

/* Appends the values as YAML that readers of version 1.1 and of 1.2 understand alike: a line for
 * each parameter, behind it the value as JSON, where 1e-05 is 1.0e-05, without which the older ones
 * take it for a text. */
void params_file_append_yaml(struct buf *out, const json_t *parameters);

#endif
