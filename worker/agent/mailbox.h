/* Where `hone report` reaches the agent: a socket with an unguessable name in Linux's abstract
 * space, open to this user alone. A caller sends one line (words or JSON) and waits; it is answered
 * with the control file's text once the server has said something about its report, or after two
 * seconds with what stood before. */
#ifndef WORKER_AGENT_MAILBOX_H
#define WORKER_AGENT_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/agent/loop.h"
#include "worker/report/metric.h"

#define MAILBOX_NAME_BYTES 48
#define MAILBOX_CALLERS_MAX 32

struct mailbox;

struct caller {
    struct mailbox *mailbox;
    struct watch watch;
    struct buf line;
    bool waiting; /* has sent its report */
    int64_t until_ms;
};

struct mailbox {
    struct loop *loop;
    char name[MAILBOX_NAME_BYTES]; /* for HONE_REPORT_SOCKET */
    int fd;
    struct watch watch;
    void (*on_report)(void *context, const struct metric_report *report);
    void *context;
    size_t n;
    struct caller *callers[MAILBOX_CALLERS_MAX];
};

MUST_USE int mailbox_open(struct mailbox *mailbox, struct loop *loop,
                          void (*on_report)(void *context, const struct metric_report *report),
                          void *context, struct err *err);
void mailbox_close(struct mailbox *mailbox);
/* Answers all who wait. */
void mailbox_answer(struct mailbox *mailbox, const char *control);
/* Answers those who have waited long enough. */
void mailbox_tick(struct mailbox *mailbox, const char *control);
int64_t mailbox_deadline(const struct mailbox *mailbox);

#endif
