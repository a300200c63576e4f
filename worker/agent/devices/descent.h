/* Whose process a process is, by its ancestors. */
#ifndef WORKER_AGENT_DEVICES_DESCENT_H
#define WORKER_AGENT_DEVICES_DESCENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define COMM_BYTES 32

/* Is it to be seen from here? Fills its name. Processes of another PID namespace are not. */
bool process_is_seen(pid_t pid, char comm[COMM_BYTES]);
/* Is it one of these, or descends from one? */
bool process_descends(pid_t pid, const pid_t ancestors[], size_t n);

#endif
