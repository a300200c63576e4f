/* Where a worker keeps its files, and how much room it wants there: --workdir, --min-disk-free,
 * --no-log-upload, --checkpoints. */
#ifndef WORKER_CLI_AGENT_OPTIONS_FILES_H
#define WORKER_CLI_AGENT_OPTIONS_FILES_H

#include <argp.h>

/* Fills the `struct agent_settings` that is its input. */
extern const struct argp files_argp;

#endif
