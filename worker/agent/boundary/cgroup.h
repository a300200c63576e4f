/* Cgroups of version 2: where this process may make some, and one leaf for each job. */
#ifndef WORKER_AGENT_BOUNDARY_CGROUP_H
#define WORKER_AGENT_BOUNDARY_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct cgroup_found {
    char path[PATH_MAX];       /* the cgroup of this process */
    bool has_memory, has_pids; /* its children have these controllers */
};

/* Finds the cgroup of this process, if it may make others in it. For root, which may everywhere,
 * only one that was delegated (the attribute of systemd says so), unless it was `asked` for.
 * ERR_INVALID: there is none; says why. */
MUST_USE int cgroup_find(bool asked, struct cgroup_found *found, struct err *err);
/* Enables the controllers for the children, as far as that is allowed. They need a cgroup without
 * processes, so this one moves into a child. */
void cgroup_prepare(struct cgroup_found *found);

/* Can processes be put into cgroups below it? ERR_INVALID: says why not. */
MUST_USE int cgroup_probe(const char *path, struct err *err);

/* Where the leaf of this name is made. */
void cgroup_leaf_path(const char *base, const char *name, char path[PATH_MAX]);
/* Makes the leaf `base`/hone-`name` with its limits (0: none); fills a malloc'd path. ERR_IO. */
MUST_USE int cgroup_make_leaf(const char *base, const char *name, int64_t memory_bytes,
                              int64_t processes, char **path, struct err *err);
/* Kills all that is in it. Async-signal-safe, as it is called in a fork. */
void cgroup_kill(const char *path);
/* Is no process left in it? True when it does not exist. Async-signal-safe. */
bool cgroup_is_empty(const char *path);
/* Removes it and those the job made below it; false while processes are in it. */
bool cgroup_remove(const char *path);
/* How many of its processes the kernel has killed for want of memory; -1: unknown. */
int64_t cgroup_oom_kills(const char *path);

#endif
