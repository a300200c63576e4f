#include "worker/agent/devices/descent.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/own.h"

#define GENERATIONS_MAX 256

/* "PID (COMM) STATE PPID …"; the name may hold anything. False: there is no such process. */
static bool read_stat(pid_t pid, pid_t *parent, char comm[COMM_BYTES])
{
    char path[48];
    char text[512];

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n <= 0) {
        return false;
    }
    text[n] = '\0';
    const char *open_at = strchr(text, '(');
    const char *close_at = strrchr(text, ')');
    if (open_at == NULL || close_at == NULL || close_at < open_at || strlen(close_at) < 5) {
        return false;
    }
    (void)snprintf(comm, COMM_BYTES, "%.*s", (int)(close_at - open_at - 1), open_at + 1);
    *parent = (pid_t)strtol(close_at + 4, NULL, 10);
    return true;
}

bool process_is_seen(pid_t pid, char comm[COMM_BYTES])
{
    pid_t parent;

    return pid > 0 && read_stat(pid, &parent, comm);
}

bool process_descends(pid_t pid, const pid_t ancestors[], size_t n)
{
    char comm[COMM_BYTES];

    for (int i = 0; pid > 1 && i < GENERATIONS_MAX; i++) {
        for (size_t j = 0; j < n; j++) {
            if (pid == ancestors[j]) {
                return true;
            }
        }
        if (!read_stat(pid, &pid, comm)) {
            return false;
        }
    }
    return false;
}
