/* Children that the agent has not started: those of a batch shell that became the agent, and, where
 * it is the first process of a container, whatever has lost its parent. Nobody else takes their
 * end.
 */
#ifndef WORKER_AGENT_UNKNOWN_CHILDREN_H
#define WORKER_AGENT_UNKNOWN_CHILDREN_H

#include <stdint.h>
#include <sys/types.h>

struct unknown_children {
    pid_t ended; /* a child that had ended at the last look; 0: none */
    int64_t look_at_ms;
};

/* Takes the end of a child that nobody has taken for a second; whoever has started one takes its
 * end sooner. */
void unknown_children_reap(struct unknown_children *children, int64_t now_ms);
/* The monotonic moment of the next unknown_children_reap() that may have something to do;
 * INT64_MAX: none.
 */
int64_t unknown_children_deadline(const struct unknown_children *children);

#endif
