/* Where --help goes: standard output, without the lines of blanks alone that argp adds behind a
 * line that just fits. */
#ifndef WORKER_CLI_HELP_STREAM_H
#define WORKER_CLI_HELP_STREAM_H

#include <stdio.h>

/* Sets *out to the stream, which lives as long as the process, or leaves it where there is no
 * memory. Called by the one thread that reads the command line. */
void help_stream_take(FILE **out);

#endif
