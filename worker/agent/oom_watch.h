/* Did the kernel kill a process for want of memory while a job ran, and was it the job's? Its count
 * of such kills is the machine's; its log, where this user may read it, names the process. A job
 * with a cgroup of its own needs neither (boundary/cgroup.h). */
#ifndef WORKER_AGENT_OOM_WATCH_H
#define WORKER_AGENT_OOM_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define OOM_LINE_BYTES 256

struct oom_watch {
    int64_t before; /* the count at the begin; -1: unknown */
    int log_fd;     /* the kernel's log from then on; -1: not to be read */
};

struct oom_found {
    bool somewhere;            /* the kernel killed some process */
    bool ours;                 /* … the job's leader */
    char line[OOM_LINE_BYTES]; /* what its log says of the leader's, else of the last one; or "" */
};

/* Begins to look; oom_watch_finish() releases it and accepts a zeroed one. */
void oom_watch_begin(struct oom_watch *watch);
void oom_watch_finish(struct oom_watch *watch);
/* Fills *found from what has happened since the begin. */
void oom_watch_look(struct oom_watch *watch, pid_t leader, struct oom_found *found);

/* Which process a record of the kernel's log says was killed for memory, and the sentence that says
 * so; 0: it is about something else. */
pid_t oom_watch_read(const char *record, char line[OOM_LINE_BYTES]);

#endif
