/* Children that the agent has not started: those of a batch shell that became the agent, and, where
 * it is the first process of a container, whatever has lost its parent. Nobody else takes their
 * end.
 */
#ifndef WORKER_AGENT_STRANGERS_H
#define WORKER_AGENT_STRANGERS_H

#include <stdint.h>
#include <sys/types.h>

struct strangers {
    pid_t ended; /* a child that had ended at the last look; 0: none */
    int64_t look_at_ms;
};

/* Takes the end of a child that nobody has taken for a second; whoever has started one takes its
 * end sooner. */
void strangers_reap(struct strangers *strangers, int64_t now_ms);
/* The monotonic moment of the next strangers_reap() that may have something to do; INT64_MAX: none.
 */
int64_t strangers_deadline(const struct strangers *strangers);

#endif
