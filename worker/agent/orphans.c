#include "worker/agent/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/syscalls.h"
#include "worker/agent/attempt_id.h"
#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/boundary/walk.h"

#define OWNED_MAX 1024
#define PAUSE_NS 1000000L
#define CHASES 20
#define CHASED_AT_ONCE 3
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
    const struct orphans *orphans;
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

static bool is_one_of(const struct orphans *orphans, const char *id, size_t len)
{
    for (size_t i = 0; i < orphans->n; i++) {
        if (strlen(orphans->attempt_ids[i]) == len
            && memcmp(orphans->attempt_ids[i], id, len) == 0) {
            return true;
        }
    }
    return false;
}

/* "NAME=value" one behind another, each ended by a NUL. */
static bool names_attempt(const char *text, size_t len, const struct orphans *orphans)
{
    static const char name[] = ATTEMPT_ID_VARIABLE "=";
    size_t name_len = sizeof name - 1;

    for (const char *at = text; at < text + len;) {
        const char *end = memchr(at, '\0', (size_t)(text + len - at));
        size_t left = end == NULL ? (size_t)(text + len - at) : (size_t)(end - at);
        if (left > name_len && memcmp(at, name, name_len) == 0) {
            return is_one_of(orphans, at + name_len, left - name_len);
        }
        at += left + 1;
    }
    return false;
}

static bool belongs(pid_t pid, const struct orphans *orphans)
{
    static char text[ENVIRONMENT_BYTES]; /* one thread */
    char path[64];
    size_t len = 0;
    ssize_t got = 0;

    (void)snprintf(path, sizeof path, "/proc/%ld/environ", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    while (len < sizeof text && (got = read(fd, text + len, sizeof text - len)) > 0) {
        len += (size_t)got;
    }
    (void)close(fd);
    return names_attempt(text, len, orphans);
}

/* The number may be given to another process at any time; a descriptor stays with the one that was
 * looked at. */
static void end_if_named(struct round *round, pid_t pid)
{
    if (pid <= 1 || pid == getpid()) {
        return;
    }
    int process = sys_pidfd_open(pid);
    bool too_old = process < 0 && errno == ENOSYS; /* a kernel without such descriptors */
    if ((process >= 0 || too_old) && belongs(pid, round->orphans)) {
        (void)(too_old ? kill(pid, SIGKILL) : sys_pidfd_send_signal(process, SIGKILL));
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
            end_if_named(round, (pid_t)strtol(entry->d_name, NULL, 10));
        }
    }
    (void)closedir(dir);
}

/* A process that makes the next one and ends is faster than the list: looks at the newest number.
 */
static void chase_newest(struct round *round)
{
    long newest = 0;

    for (int i = 0; i < CHASES && round->found != 0; i++) {
        FILE *file = fopen("/proc/loadavg", "re");
        if (file == NULL || fscanf(file, "%*s %*s %*s %*s %ld", &newest) != 1) {
            newest = 0;
        }
        if (file != NULL) {
            (void)fclose(file);
        }
        for (long pid = newest; pid > newest - CHASED_AT_ONCE && pid > 1; pid--) {
            end_if_named(round, (pid_t)pid);
        }
    }
}

/* ---- both ---- */

pid_t orphans_kill(const struct orphans *orphans)
{
    struct round round = {.orphans = orphans};

    if (orphans->leaf != NULL) {
        cgroup_kill(orphans->leaf);
    }
    walk_children(end_adopted, &round);
    if (orphans->n > 0) {
        end_named(&round);
        chase_newest(&round);
    }
    if (round.found == 0 && orphans->leaf != NULL && !cgroup_is_empty(orphans->leaf)) {
        round.found = -1;
    }
    return round.found;
}

pid_t orphans_end(const struct orphans *orphans, int64_t most_ms)
{
    const struct clock *clock = clock_system();
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int64_t give_up_ms = clock->monotonic_ms(clock) + most_ms;
    pid_t found;

    while ((found = orphans_kill(orphans)) != 0 && clock->monotonic_ms(clock) < give_up_ms) {
        (void)nanosleep(&pause, NULL);
    }
    return found;
}
