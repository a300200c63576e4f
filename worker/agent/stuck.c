#include "worker/agent/stuck.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "worker/agent/boundary/walk.h"
#include "worker/agent/orphans.h"

#define LOOK_EVERY_MS 1000
#define COMMAND_BYTES 64

bool stuck_take(struct stuck *stuck, const struct runner *runner)
{
    if (runner->survivor != 0) {
        *stuck = (struct stuck){.process = runner->survivor, .shim = runner->shim};
    }
    return runner->survivor != 0;
}

static bool is_there(pid_t pid)
{
    char state = walk_state_of(pid);

    return state != 'X' && state != 'Z';
}

bool stuck_holds(struct stuck *stuck, int64_t now_ms)
{
    if (stuck->process == 0 || now_ms < stuck->look_at_ms) {
        return stuck->process != 0;
    }
    stuck->look_at_ms = now_ms + LOOK_EVERY_MS;
    if (stuck->shim > 0 && waitpid(stuck->shim, NULL, WNOHANG) != 0) {
        orphans_disown(stuck->shim);
        *stuck = (struct stuck){0}; /* the shim has seen the last of it */
    } else if (stuck->shim <= 0 && !is_there(stuck->process)) {
        *stuck = (struct stuck){0};
    }
    return stuck->process != 0;
}

int64_t stuck_deadline(const struct stuck *stuck)
{
    return stuck->process == 0 ? INT64_MAX : stuck->look_at_ms;
}

void stuck_describe(const struct stuck *stuck, char *text, size_t size)
{
    char path[64];
    char command[COMMAND_BYTES] = "?";

    (void)snprintf(path, sizeof path, "/proc/%ld/comm", (long)stuck->process);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        (void)!fgets(command, sizeof command, file);
        (void)fclose(file);
        command[strcspn(command, "\n")] = '\0';
    }
    (void)snprintf(text, size, "unkillable process %ld (%s) in state %c", (long)stuck->process,
                   command, walk_state_of(stuck->process));
}
