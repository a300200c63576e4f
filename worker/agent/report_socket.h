/* Where `hone report` reaches the agent: a socket with an unguessable name in Linux's abstract
 * space, open to this user alone. A caller sends one line (key=value or JSON) and waits. The answer
 * is the text of the control file: once the server has answered the report, or after two seconds
 * the text as it was before. */
#ifndef WORKER_AGENT_REPORT_SOCKET_H
#define WORKER_AGENT_REPORT_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/agent/loop.h"
#include "worker/report/reader.h"

#define REPORT_SOCKET_NAME_BYTES 48
#define REPORT_SOCKET_CALLERS_MAX 32

struct report_socket;

/* Reads a line into *report, and takes the report if it has no fault. False: the line is empty. */
typedef bool report_hook(void *context, struct metric_report *report, const char *line, size_t len);

struct caller {
    struct report_socket *reports;
    struct fd_watch watch;
    struct buf line;
    bool waiting; /* has sent its report */
    int64_t until_ms;
};

struct report_socket {
    struct loop *loop;
    char name[REPORT_SOCKET_NAME_BYTES]; /* for HONE_REPORT_SOCKET */
    int fd;
    struct fd_watch watch;
    report_hook *take;
    void *context;
    size_t n;
    struct caller *callers[REPORT_SOCKET_CALLERS_MAX];
};

/* Opens the socket under a random name; `take` gets each line. ERR_IO: no socket. */
MUST_USE int report_socket_open(struct report_socket *reports, struct loop *loop, report_hook *take,
                                void *context, struct err *err);
/* Drops every caller; accepts a zeroed one. */
/* Listens at another name instead, that of an earlier process. ERR_IO. */
MUST_USE int report_socket_reopen(struct report_socket *reports, const char *name, struct err *err);
void report_socket_close(struct report_socket *reports);
/* Answers every caller that waits with `control`. */
void report_socket_answer(struct report_socket *reports, const char *control);
/* Answers the callers that have waited two seconds. */
void report_socket_tick(struct report_socket *reports, const char *control);
/* Returns the moment of the next report_socket_tick() that has something to do; INT64_MAX: none. */
int64_t report_socket_deadline(const struct report_socket *reports);

#endif
