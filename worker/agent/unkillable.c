#include "worker/agent/unkillable.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "worker/agent/boundary/walk.h"
#include "worker/agent/orphans.h"

#define LOOK_EVERY_MS 1000
#define COMMAND_BYTES 64

bool unkillable_take(struct unkillable *unkillable, const struct runner *runner)
{
    if (runner->survivor != 0) {
        *unkillable = (struct unkillable){.process = runner->survivor, .shim = runner->shim};
    }
    return runner->survivor != 0;
}

static bool is_there(pid_t pid)
{
    char state = walk_state_of(pid);

    return state != 'X' && state != 'Z';
}

bool unkillable_holds(struct unkillable *unkillable, int64_t now_ms)
{
    if (unkillable->process == 0 || now_ms < unkillable->look_at_ms) {
        return unkillable->process != 0;
    }
    unkillable->look_at_ms = now_ms + LOOK_EVERY_MS;
    if (unkillable->shim > 0 && waitpid(unkillable->shim, NULL, WNOHANG) != 0) {
        orphans_disown(unkillable->shim);
        *unkillable = (struct unkillable){0}; /* the shim has seen the last of it */
    } else if (unkillable->shim <= 0 && !is_there(unkillable->process)) {
        *unkillable = (struct unkillable){0};
    }
    return unkillable->process != 0;
}

int64_t unkillable_deadline(const struct unkillable *unkillable)
{
    return unkillable->process == 0 ? INT64_MAX : unkillable->look_at_ms;
}

void unkillable_describe(const struct unkillable *unkillable, char *text, size_t size)
{
    char path[64];
    char command[COMMAND_BYTES] = "?";

    (void)snprintf(path, sizeof path, "/proc/%ld/comm", (long)unkillable->process);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        (void)!fgets(command, sizeof command, file);
        (void)fclose(file);
        command[strcspn(command, "\n")] = '\0';
    }
    (void)snprintf(text, size, "unkillable process %ld (%s) in state %c", (long)unkillable->process,
                   command, walk_state_of(unkillable->process));
}
