/* When an agent takes no more trials and when it stops those that run: by request, by a deadline,
 * when it has run or been idle for long enough, when its node is drained. It touches no clock and
 * no process; all moments are monotonic milliseconds.
 *
 *   STAY ──interrupted, drained, idle, uptime──→ FINISH ──interrupted──→ STOP ──…──→ KILL
 *     └──────told to leave, deadline, nothing fits───────────────────────↑
 */
#ifndef WORKER_AGENT_LEAVING_H
#define WORKER_AGENT_LEAVING_H

#include <stdbool.h>
#include <stdint.h>

#define LEAVING_MARGIN_MS 5000 /* before the deadline: for results that are not delivered yet */

/* Each includes those before it. */
enum leaving_act {
    LEAVING_STAY,
    LEAVING_FINISH, /* ask for nothing more; what runs goes on to its end */
    LEAVING_STOP,   /* stop the jobs and hand their trials back */
    LEAVING_KILL    /* kill them and end */
};

enum leaving_request {
    LEAVING_INTERRUPTED, /* one step further: finish, then stop, then kill */
    LEAVING_TOLD,        /* stop, however often it comes */
    LEAVING_TOLD_AGAIN,  /* stop, and kill when it comes again */
    LEAVING_QUIT,        /* kill */
    LEAVING_REQUEST_COUNT
};

struct leaving {
    int64_t deadline_ms; /* the machine is taken away then; INT64_MAX: not known */
    int64_t grace_ms;    /* what a job gets between SIGTERM and SIGKILL */
    int64_t uptime_ms;   /* spans; 0: no limit */
    int64_t idle_ms;
    bool stays_when_drained;

    int64_t started_ms;
    int64_t idle_since_ms; /* INT64_MAX: something runs */
    bool is_drained;       /* the server gives this node nothing */
    bool nothing_fits;     /* nothing runs, and every slot was told that its time is too short */

    enum leaving_act asked; /* by requests */
    enum leaving_act act;   /* by the last leaving_decide() */
};

/* Takes a request. */
void leaving_request(struct leaving *leaving, enum leaving_request request);
/* Sets `act`, which never goes back. Returns why, static text, when it has moved; else NULL. */
const char *leaving_decide(struct leaving *leaving, int64_t now_ms);
/* When time alone moves it next; INT64_MAX: never. */
int64_t leaving_deadline(const struct leaving *leaving);
/* Returns the grace period of a job that is stopped now: the usual one, or what the deadline leaves
 * of it. */
int64_t leaving_grace_ms(const struct leaving *leaving, int64_t now_ms);
/* Returns how long a trial may run from now on, not less than 0; INT64_MAX: no deadline. */
int64_t leaving_left_ms(const struct leaving *leaving, int64_t now_ms);

#endif
