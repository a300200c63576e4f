/* The children of this process, as the kernel lists them: a subreaper's are also all those below
 * it whose own parent has ended, so killing each in turn reaches every descendant.
 * Async-signal-safe, for the thread that made the children. */
#ifndef WORKER_AGENT_BOUNDARY_WALK_H
#define WORKER_AGENT_BOUNDARY_WALK_H

#include <stdbool.h>
#include <sys/types.h>

/* Calls `visit` for each child, ended ones that nobody waited for included. One that begins or ends
 * meanwhile may be left out: repeat until there is none. */
void walk_children(void (*visit)(void *context, pid_t child), void *context);
/* The same for those of the first thread of another process. */
void walk_children_of(pid_t parent, void (*visit)(void *context, pid_t child), void *context);
/* SIGKILL to each child. */
void walk_kill(void);
/* Has this process any child, ended or not? */
bool walk_has_children(void);
/* The state of a process as a letter of /proc/PID/stat; 'X': there is none. */
char walk_state_of(pid_t pid);
/* A child that has not ended; 0: there is none. */
pid_t walk_find_living(void);

#endif
