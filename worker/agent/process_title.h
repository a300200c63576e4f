/* What `ps` shows of a process: the memory in which its arguments were handed over. */
#ifndef WORKER_AGENT_PROCESS_TITLE_H
#define WORKER_AGENT_PROCESS_TITLE_H

#include <stddef.h>

struct process_title {
    char *start; /* NULL: not known */
    size_t bytes;
};

/* Finds where this process was given its arguments. */
void process_title_find(struct process_title *title);
/* In a fork, which needs the arguments no more: overwrites them. Async-signal-safe. */
void process_title_set(const struct process_title *title, const char *text);

#endif
