#include "worker/agent/spawn_failure.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 256

/* The program that a script names in its first line; false: it is no script. */
static bool read_interpreter(const char *path, char interpreter[LINE_BYTES])
{
    char line[LINE_BYTES] = "";
    FILE *file = fopen(path, "re");

    if (file != NULL) {
        (void)!fgets(line, sizeof line, file);
        (void)fclose(file);
    }
    return sscanf(line, "#! %254s", interpreter) == 1;
}

void spawn_failure_describe(const char *path, int why, char *text, size_t size)
{
    char interpreter[LINE_BYTES];
    bool exists = access(path, F_OK) == 0;
    bool is_script = exists && read_interpreter(path, interpreter);

    if (is_script && (why == ENOENT || why == EACCES)) {
        (void)snprintf(text, size, "the interpreter %s that %s names in its first line %s",
                       interpreter, path, why == ENOENT ? "is not there" : "may not be executed");
    } else if (why == ENOENT && exists) {
        (void)snprintf(text, size, "%s needs a loader or interpreter that is not there", path);
    } else if (why == ENOEXEC) {
        (void)snprintf(text, size,
                       "%s is no program of this machine, and no script, which would begin with #!",
                       path);
    } else {
        (void)snprintf(text, size, "%s: %s", path, strerror(why));
    }
}
