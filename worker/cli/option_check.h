/* "Did you mean --trials?": argp would only say that it knows no such option, so the words of a
 * command line are checked before they are parsed. */
#ifndef WORKER_CLI_OPTION_CHECK_H
#define WORKER_CLI_OPTION_CHECK_H

#include "worker/cli/options.h"

/* Ends the program with status 2 where a word in front of "--" is no option of the verb, or one
 * whose argument is missing. */
void options_check(const struct usage *usage, int argc, char *const argv[]);

#endif
