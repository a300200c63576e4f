#include "worker/agent/unknown_children.h"

#include <stddef.h>
#include <sys/wait.h>

#define LOOK_EVERY_MS 1000

/* Of a child that has ended, which stays as it is; 0: none has. */
static pid_t any_ended(void)
{
    siginfo_t info = {.si_pid = 0};

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? info.si_pid : 0;
}

void unknown_children_reap(struct unknown_children *children, int64_t now_ms)
{
    if (now_ms < children->look_at_ms) {
        return;
    }
    children->look_at_ms = now_ms + LOOK_EVERY_MS;
    pid_t ended = any_ended();
    if (ended != 0 && ended == children->ended) {
        (void)waitpid(ended, NULL, WNOHANG);
        ended = any_ended();
    }
    children->ended = ended;
}

int64_t unknown_children_deadline(const struct unknown_children *children)
{
    return children->ended != 0 ? children->look_at_ms : INT64_MAX;
}
