/* Where `hone report` reaches the agent: a socket with an unguessable name in Linux's abstract
 * space, open to this user alone. A caller sends one line (words or JSON) and waits; it is answered
 * with the control file's text once the server has said something about its report, or after two
 * seconds with what stood before. */
#ifndef WORKER_AGENT_REPORT_SOCKET_H
#define WORKER_AGENT_REPORT_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/agent/loop.h"
#include "worker/report/metric.h"

#define REPORT_SOCKET_NAME_BYTES 48
#define REPORT_SOCKET_CALLERS_MAX 32

struct report_socket;

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
    void (*on_report)(void *context, const struct metric_report *report);
    void *context;
    size_t n;
    struct caller *callers[REPORT_SOCKET_CALLERS_MAX];
};

MUST_USE int report_socket_open(struct report_socket *reports, struct loop *loop,
                                void (*on_report)(void *context,
                                                  const struct metric_report *report),
                                void *context, struct err *err);
void report_socket_close(struct report_socket *reports);
/* Answers all who wait. */
void report_socket_answer(struct report_socket *reports, const char *control);
/* Answers those who have waited long enough. */
void report_socket_tick(struct report_socket *reports, const char *control);
int64_t report_socket_deadline(const struct report_socket *reports);

#endif
