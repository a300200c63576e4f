/* A program of a vendor, run in a child that may hang: its output is bounded, its time limited.
 *
 * The loop goes on meanwhile. What does not end in time is killed with its process group and counts
 * as over, even if the driver keeps it: then it is reaped when it can be, and no other is started
 * before. */
#ifndef WORKER_AGENT_DEVICES_PROBE_H
#define WORKER_AGENT_DEVICES_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buf.h"
#include "common/err.h"
#include "worker/agent/loop.h"

struct probe {
    struct loop *loop; /* borrowed */
    pid_t pid;         /* 0: none that is not reaped */
    int fd;            /* of its output; -1: closed */
    struct fd_watch watch;
    struct buf output;
    bool is_over;
    bool timed_out;
    int wait_status;
    int64_t look_at_ms; /* is it reaped by then? */
    int64_t until_ms;
};

void probe_init(struct probe *probe, struct loop *loop);
/* Kills what still runs. */
void probe_finish(struct probe *probe);
/* Starts argv[0], a path, until this moment at most. ERR_IO: not now, because the last one has not
 * gone, or for want of a process or pipe. */
MUST_USE int probe_start(struct probe *probe, char *const argv[], int64_t until_ms,
                         struct err *err);
/* Does what is due; `is_over` tells whether the program has ended or was given up. */
void probe_tick(struct probe *probe);
/* Returns the moment of the next probe_tick() that has something to do; INT64_MAX: none. */
int64_t probe_deadline(const struct probe *probe);
/* What it printed, once it is over. ERR_IO: it did not end in time, or failed, unless `may_fail`;
 * says so without its name. */
MUST_USE int probe_output(const struct probe *probe, bool may_fail, const char **text,
                          struct err *err);

#endif
