#include "worker/agent/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/agent/attempt_id.h"
#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/boundary/walk.h"

#define OWNED_MAX 1024
#define PAUSE_NS 1000000L
#define ENVIRONMENT_BYTES ((size_t)256 * 1024)

/* ---- those that were adopted ---- */

static pid_t owned[OWNED_MAX]; /* children of this process that are no orphans */
static size_t n_owned;

void orphans_adopt(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void orphans_own(pid_t pid)
{
    if (n_owned < OWNED_MAX) {
        owned[n_owned++] = pid;
    }
}

void orphans_disown(pid_t pid)
{
    for (size_t i = 0; i < n_owned; i++) {
        if (owned[i] == pid) {
            owned[i] = owned[--n_owned];
            return;
        }
    }
}

static bool is_adopted(pid_t child)
{
    pid_t session = getsid(child);

    for (size_t i = 0; i < n_owned; i++) {
        if (owned[i] == child) {
            return false;
        }
    }
    return session > 0 && session != getsid(0);
}

struct round {
    const char *attempt_id;
    pid_t found; /* one that is still there; 0: none was found */
};

static void end_adopted(void *context, pid_t child)
{
    struct round *round = context;

    if (is_adopted(child)) {
        (void)kill(child, SIGKILL);
        if (waitpid(child, NULL, WNOHANG) == 0) {
            round->found = child;
        }
    }
}

/* ---- those that name the attempt ---- */

/* "NAME=value" one behind another, each ended by a NUL. */
static bool names_attempt(const char *text, size_t len, const char *attempt_id)
{
    static const char name[] = ATTEMPT_ID_VARIABLE "=";
    size_t name_len = sizeof name - 1;

    for (const char *at = text; at < text + len;) {
        const char *end = memchr(at, '\0', (size_t)(text + len - at));
        size_t left = end == NULL ? (size_t)(text + len - at) : (size_t)(end - at);
        if (left > name_len && memcmp(at, name, name_len) == 0) {
            return left - name_len == strlen(attempt_id)
                   && memcmp(at + name_len, attempt_id, left - name_len) == 0;
        }
        at += left + 1;
    }
    return false;
}

static bool belongs(const char *pid_name, const char *attempt_id)
{
    static char text[ENVIRONMENT_BYTES]; /* one thread */
    char path[64];
    size_t len = 0;
    ssize_t got = 0;

    (void)snprintf(path, sizeof path, "/proc/%.20s/environ", pid_name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    while (len < sizeof text && (got = read(fd, text + len, sizeof text - len)) > 0) {
        len += (size_t)got;
    }
    (void)close(fd);
    return names_attempt(text, len, attempt_id);
}

/* The number may be given to another process at any time; a descriptor stays with the one that was
 * looked at. */
static void end_if_named(struct round *round, const char *pid_name)
{
    pid_t pid = (pid_t)strtol(pid_name, NULL, 10);
    int process = pid > 1 && pid != getpid() ? pidfd_open(pid, 0) : -1;

    if (process >= 0 && belongs(pid_name, round->attempt_id)) {
        (void)pidfd_send_signal(process, SIGKILL, NULL, 0);
        round->found = pid;
    }
    if (process >= 0) {
        (void)close(process);
    }
}

static void end_named(struct round *round)
{
    DIR *dir = opendir("/proc");

    if (dir == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
            end_if_named(round, entry->d_name);
        }
    }
    (void)closedir(dir);
}

/* ---- both ---- */

pid_t orphans_kill(const char *attempt_id, const char *leaf)
{
    struct round round = {.attempt_id = attempt_id};

    if (leaf != NULL) {
        cgroup_kill(leaf);
    }
    walk_children(end_adopted, &round);
    if (attempt_id[0] != '\0') {
        end_named(&round);
    }
    if (round.found == 0 && leaf != NULL && !cgroup_is_empty(leaf)) {
        round.found = -1;
    }
    return round.found;
}

pid_t orphans_end(const char *attempt_id, const char *leaf, int64_t most_ms)
{
    const struct clock *clock = clock_system();
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int64_t give_up_ms = clock->monotonic_ms(clock) + most_ms;
    pid_t found;

    while ((found = orphans_kill(attempt_id, leaf)) != 0
           && clock->monotonic_ms(clock) < give_up_ms) {
        (void)nanosleep(&pause, NULL);
    }
    return found;
}
