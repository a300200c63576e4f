/* Processes of a job whose shim was killed. Where the agent lives, they have become its children
 * (it is a subreaper), however deep they were; where both were killed, their environment tells
 * whose they are. */
#ifndef WORKER_AGENT_ORPHANS_H
#define WORKER_AGENT_ORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* This process adopts what its shims leave. Its own children must be in its session or be named to
 * orphans_own(): others are taken for orphans. */
void orphans_adopt(void);
/* `pid` is a child that is wanted; until orphans_disown(). */
void orphans_own(pid_t pid);
void orphans_disown(pid_t pid);

/* What to look for. */
struct orphans {
    const char *const *attempt_ids; /* in the environment */
    size_t n;
    const char *leaf; /* everything in this cgroup too; NULL: none */
};

/* Kills these and the adopted, once; takes those that have ended. Returns 0 when there was none,
 * else one of them (-1: known to the cgroup alone); the caller repeats it until then. */
pid_t orphans_kill(const struct orphans *orphans);
/* Repeats it for at most `most_ms`. Returns as the last one did. */
pid_t orphans_end(const struct orphans *orphans, int64_t most_ms);

#endif
