/* The kill boundary "namespace": the job runs in a PID namespace, whose first process ends with the
 * shim and takes everything in it along. Without root it comes with a user namespace in which this
 * user and group keep their numbers.
 *
 * All but namespace_choose() is called in forks, so it makes system calls and nothing else. */
#ifndef WORKER_AGENT_BOUNDARY_NAMESPACE_H
#define WORKER_AGENT_BOUNDARY_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"

struct namespace_users {
    bool needed;                   /* not root: a namespace of users makes it possible */
    char uid_map[32], gid_map[32]; /* what the kernel is told */
};

/* Fills *users. ERR_INVALID: this kernel does not let this user have such a namespace. */
MUST_USE int namespace_choose(struct namespace_users *users, struct err *err);
/* As fork(), but the child is the first process of a new namespace. */
pid_t namespace_fork(const struct namespace_users *users);
/* In that child, before anything else: it dies with its parent, which reads from the other end of
 * the pipe `parent_fd`; maps the users; mounts a /proc of its own where it may. */
void namespace_enter(const struct namespace_users *users, int parent_fd);
/* Then: waits for all that ends in the namespace, writes the wait status of `leader` (an int) to
 * `parent_fd`, and exits when nothing is left. */
_Noreturn void namespace_wait(pid_t leader, int parent_fd);

#endif
