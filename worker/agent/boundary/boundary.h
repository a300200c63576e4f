/* What holds the processes of a job together, so that all of them can be ended: the kill boundary.
 *
 *   cgroup     a leaf of a delegated cgroup (version 2): nothing leaves it, limits and the count of
 *              processes that were killed for memory are its own
 *   namespace  a PID namespace: its first process takes all others with it. The job sees other
 *              process numbers and, where it can be mounted, a /proc of its own
 *   walk       the descendants, which the shim adopts when their parents end, are killed until
 *              there is none
 *
 * "auto" is the first of cgroup and walk that works here. A namespace is used only when asked for,
 * because it changes what the job sees: other process numbers, no other user's processes. */
#ifndef WORKER_AGENT_BOUNDARY_BOUNDARY_H
#define WORKER_AGENT_BOUNDARY_BOUNDARY_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "worker/agent/boundary/namespace.h"

enum boundary_kind { BOUNDARY_WALK, BOUNDARY_NAMESPACE, BOUNDARY_CGROUP };

struct boundary_settings {
    const char *isolate;  /* NULL or "auto", "cgroup", "namespace", "walk" */
    int64_t memory_bytes; /* each job; 0: no limit */
    int64_t processes;    /* each job, threads too; 0: no limit */
};

/* Plain values: valid in a fork, needs no release. */
struct boundary {
    enum boundary_kind kind;
    int64_t memory_bytes, processes;
    struct namespace_users users; /* namespace */
    char base[PATH_MAX];          /* cgroup: where the leaves are made */
};

/* Chooses the boundary of all jobs of this process. ERR_INVALID: what was asked for does not work
 * here, or a limit needs a cgroup; says why and what to do. */
MUST_USE int boundary_choose(const struct boundary_settings *settings, struct boundary *boundary,
                             struct err *err);
/* "cgroup", "namespace" or "walk". */
const char *boundary_name(enum boundary_kind kind);
/* A sentence for the log: which one is in use, and what that means. */
void boundary_describe(const struct boundary *boundary, char *text, size_t size);

#endif
