#include "worker/agent/oom_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_BYTES 8192 /* the kernel's are shorter */

static int64_t count_kills(void)
{
    char line[128];
    int64_t count = -1;
    FILE *file = fopen("/proc/vmstat", "re");

    if (file == NULL) {
        return -1;
    }
    while (count < 0 && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "oom_kill %" SCNd64, &count);
    }
    (void)fclose(file);
    return count;
}

void oom_watch_begin(struct oom_watch *watch)
{
    watch->before = count_kills();
    watch->log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (watch->log_fd >= 0) {
        (void)lseek(watch->log_fd, 0, SEEK_END);
    }
}

void oom_watch_finish(struct oom_watch *watch)
{
    if (watch->log_fd > 0) { /* a zeroed one has none */
        (void)close(watch->log_fd);
    }
    *watch = (struct oom_watch){.before = -1, .log_fd = -1};
}

/* "3,812,1564735060,-;Memory cgroup out of memory: Killed process 21174 (tail) total-vm:35476kB" */
pid_t oom_watch_read(const char *record, char line[OOM_LINE_BYTES])
{
    static const char killed[] = "Killed process ";
    const char *text = strchr(record, ';');
    const char *at = text == NULL ? NULL : strstr(text, killed);
    const char *end = at == NULL ? NULL : strchr(at, ')');

    if (end == NULL || strstr(text, "ut of memory") == NULL) {
        return 0;
    }
    (void)snprintf(line, OOM_LINE_BYTES, "%.*s", (int)(end + 1 - (text + 1)), text + 1);
    return (pid_t)strtol(at + sizeof killed - 1, NULL, 10);
}

/* Records that were overwritten before they were read (EPIPE) are skipped. */
static void read_log(const struct oom_watch *watch, pid_t leader, struct oom_found *found)
{
    char record[RECORD_BYTES];
    char line[OOM_LINE_BYTES];
    ssize_t got;

    while ((got = read(watch->log_fd, record, sizeof record - 1)) > 0
           || (got < 0 && (errno == EPIPE || errno == EINTR))) {
        record[got < 0 ? 0 : got] = '\0';
        pid_t pid = oom_watch_read(record, line);
        if (pid > 0 && !found->ours) {
            found->somewhere = true;
            found->ours = pid == leader;
            memcpy(found->line, line, sizeof found->line);
        }
    }
}

void oom_watch_look(struct oom_watch *watch, pid_t leader, struct oom_found *found)
{
    *found = (struct oom_found){.somewhere = watch->before >= 0 && count_kills() > watch->before};
    if (watch->log_fd >= 0) {
        read_log(watch, leader, found);
    }
}
