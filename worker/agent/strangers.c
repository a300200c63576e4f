#include "worker/agent/strangers.h"

#include <sys/wait.h>

#define LOOK_EVERY_MS 1000

/* Of a child that has ended, which stays as it is; 0: none has. */
static pid_t any_ended(void)
{
    siginfo_t info = {.si_pid = 0};

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? info.si_pid : 0;
}

void strangers_reap(struct strangers *strangers, int64_t now_ms)
{
    if (now_ms < strangers->look_at_ms) {
        return;
    }
    strangers->look_at_ms = now_ms + LOOK_EVERY_MS;
    pid_t ended = any_ended();
    if (ended != 0 && ended == strangers->ended) {
        (void)waitpid(ended, NULL, WNOHANG);
        ended = any_ended();
    }
    strangers->ended = ended;
}

int64_t strangers_deadline(const struct strangers *strangers)
{
    return strangers->ended != 0 ? strangers->look_at_ms : INT64_MAX;
}
