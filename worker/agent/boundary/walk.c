#include "worker/agent/boundary/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIST_BYTES 4096
#define STAT_BYTES 512
#define PID_DIGITS 20
#define PATH_BYTES 96

/* ---- paths, without the functions that a fork must not call ---- */

static char *append(char *at, const char *text)
{
    size_t len = strlen(text);

    memcpy(at, text, len + 1);
    return at + len;
}

static char *append_pid(char *at, pid_t pid)
{
    char digits[PID_DIGITS];
    size_t n = 0;

    for (; pid > 0 && n < sizeof digits; pid /= 10) {
        digits[n++] = (char)('0' + pid % 10);
    }
    while (n > 0) {
        *at++ = digits[--n];
    }
    *at = '\0';
    return at;
}

/* ---- lists ---- */

static void visit_list(const char *path, void (*visit)(void *context, pid_t child), void *context)
{
    char text[LIST_BYTES];
    pid_t pid = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text);

    for (ssize_t i = 0; i < got; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            pid = pid * 10 + (text[i] - '0');
        } else if (pid > 0) { /* a number without its end is not complete */
            visit(context, pid);
            pid = 0;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

void walk_children(void (*visit)(void *context, pid_t child), void *context)
{
    visit_list("/proc/thread-self/children", visit, context);
}

void walk_children_of(pid_t parent, void (*visit)(void *context, pid_t child), void *context)
{
    char path[PATH_BYTES];
    char *at = append_pid(append(path, "/proc/"), parent);

    at = append_pid(append(at, "/task/"), parent);
    (void)append(at, "/children");
    visit_list(path, visit, context);
}

static void kill_one(void *context, pid_t child)
{
    (void)context;
    (void)kill(child, SIGKILL);
}

void walk_kill(void)
{
    walk_children(kill_one, NULL);
}

bool walk_has_children(void)
{
    siginfo_t left;

    return waitid(P_ALL, 0, &left, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

char walk_state_of(pid_t pid)
{
    char path[PATH_BYTES];
    char text[STAT_BYTES];

    (void)append(append_pid(append(path, "/proc/"), pid), "/stat");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    text[got < 0 ? 0 : got] = '\0';
    const char *end = strrchr(text, ')'); /* the name may hold anything */
    return end != NULL && end[1] == ' ' ? end[2] : 'X';
}

static void note_living(void *context, pid_t child)
{
    pid_t *found = context;
    char state = walk_state_of(child);

    if (*found == 0 && state != 'Z' && state != 'X') {
        *found = child;
    }
}

pid_t walk_find_living(void)
{
    pid_t found = 0;

    walk_children(note_living, &found);
    return found;
}
