/* Options that come from a file or from the environment: they are put in front of those of the
 * command line, which then count for more. Variables count for more than the file.
 *
 * A line of the file is "name = value", as the option is called; one without a value is "name" or
 * "name = true". An option that may be given several times may have several lines. What follows a
 * '#' at the start of a line is not read. */
#ifndef WORKER_CLI_AGENT_OPTIONS_CONFIG_H
#define WORKER_CLI_AGENT_OPTIONS_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include "common/err.h"
#include "worker/agent/argv_list.h"
#include "worker/cli/options.h"

struct config {
    const struct usage *usage;
    const char *file;      /* NULL: none */
    struct argv_list argv; /* the program, what the file says, what variables say, the rest */
    size_t file_end, environment_end;
};

/* Reads the file that --config names, if it is there, and the variables HONE_NAME of the options
 * of the first `n_groups` groups; the server, its token and its authority may come from both.
 * ERR_INVALID, with file and line, or the variable; ERR_IO; ERR_NOMEM. */
MUST_USE int config_expand(const struct usage *usage, size_t n_groups, int argc, char *const argv[],
                           struct config *config, struct err *err);
void config_finish(struct config *config);
OWN_VALUE(config)

/* Prints each option with its value and where that is from. */
void config_print(const struct config *config, FILE *out);

#endif
