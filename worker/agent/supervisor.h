/* When a job runs undisturbed, is notified, terminated and killed: one table of [state][event], and
 * the deadlines that turn time into events. It touches no process and no clock: the caller passes
 * the time and carries out the acts. All moments are monotonic milliseconds.
 *
 *   RUNNING ──notified──→ LEAVING ──5 s──→ TERMINATING ──30 s──→ KILLING ──exit──→ GONE
 *      └────abort, lost, timeout, stalled, drain────┘
 */
#ifndef WORKER_AGENT_SUPERVISOR_H
#define WORKER_AGENT_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

enum job_state {
    JOB_RUNNING,
    JOB_LEAVING,
    JOB_TERMINATING,
    JOB_KILLING,
    JOB_GONE,
    JOB_STATE_COUNT
};

enum job_event {
    JOB_NOTIFIED,   /* pause or stop: the job may leave by itself */
    JOB_ABORTED,    /* cancelled or deleted */
    JOB_LOST,       /* another worker has the trial, or the server did not answer for too long */
    JOB_TIMED_OUT,  /* trial_seconds */
    JOB_STALLED,    /* stall_seconds without a measurement */
    JOB_DRAINED,    /* the worker is asked to stop */
    JOB_QUIT,       /* … at once */
    JOB_LEAVE_OVER, /* notified, and still running */
    JOB_GRACE_OVER, /* terminated, and still running */
    JOB_EXITED,
    JOB_EVENT_COUNT
};

/* What is to be done to the process group now. */
enum job_act { ACT_NOTHING, ACT_TERMINATE, ACT_KILL };

struct supervisor {
    enum job_state state;
    enum job_event why; /* the first event that ended the job's freedom; JOB_EXITED: none did */
    int64_t leave_ms, grace_ms; /* spans */
    int64_t leave_at_ms;        /* moments; INT64_MAX: none */
    int64_t grace_at_ms;
    int64_t timeout_at_ms;
    int64_t stall_ms; /* 0: no limit */
    int64_t stall_at_ms;
};

/* A job starts now. Spans of 0 for timeout and stall: no limit. */
void supervisor_start(struct supervisor *supervisor, int64_t now_ms, int64_t timeout_ms,
                      int64_t stall_ms);
/* Takes an event; returns what is to be done to the job now. */
enum job_act supervisor_step(struct supervisor *supervisor, enum job_event event, int64_t now_ms);
/* A measurement arrived. */
void supervisor_measured(struct supervisor *supervisor, int64_t now_ms);
/* Turns what is overdue into an event; call until it gives ACT_NOTHING. */
enum job_act supervisor_tick(struct supervisor *supervisor, int64_t now_ms);
/* When supervisor_tick() has something to do next; INT64_MAX: never. */
int64_t supervisor_deadline(const struct supervisor *supervisor);

#endif
