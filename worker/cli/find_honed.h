/* Where the server's program is, for a command that starts one. */
#ifndef WORKER_CLI_FIND_HONED_H
#define WORKER_CLI_FIND_HONED_H

#include <limits.h>

/* path ← honed beside this program, in the build's other folder, or "honed", for PATH. */
void find_honed(char path[PATH_MAX]);

#endif
