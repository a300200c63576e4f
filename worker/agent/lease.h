/* One lease, as the worker sees it: it sends measurements in batches, a heartbeat when nothing else
 * was said for long enough or when the GPUs' utilization was not, and the result at the end, one
 * call at a time, each until it is answered.
 *
 * The server's answers arrive through the hooks. Time counts from the moment a call was sent, on
 * the monotonic clock. What is repeated is repeated unchanged, so the server can tell. */
#ifndef WORKER_AGENT_LEASE_H
#define WORKER_AGENT_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/own.h"
#include "common/wire/wire.h"
#include "worker/agent/loop.h"
#include "worker/agent/notes.h"
#include "worker/agent/pending_condense.h"
#include "worker/agent/spool.h"

struct attempt_log;
struct lease;

struct lease_hooks {
    void (*on_action)(void *context, const struct action_reply *reply);
    /* The trial is ours no more: superseded, ended, unknown. */
    void (*on_lost)(void *context, const char *why);
    /* The server was away too long, told once: a running job should not go on. What it has measured
     * is still sent, and so is its result. */
    void (*on_offline)(void *context);
    /* The result or the release was taken; `state` is the trial's, "" if unknown; `is_excluded`: it
     * is not known to satisfy the study's outcome constraints. */
    void (*on_closed)(void *context, const char *state, bool is_excluded);
    /* A result was refused for what it says: another one may be sent, or the lease released. */
    void (*on_refused)(void *context, const struct err *err);
    /* The server refuses this worker: its token or its version. */
    void (*on_fatal)(void *context, const struct err *err);
    /* A call failed and is repeated / one succeeded. */
    void (*on_reach)(void *context, bool reached, const char *why);
    /* How busy the GPUs of the trial are, 0 to 1; NaN: not known. NULL: nobody asks. */
    double (*utilization)(void *context);
    void *context;
};

struct lease_settings {
    const struct lease_grant *grant; /* borrowed */
    struct notes *notes;             /* borrowed: what is left out of the measurements */
    struct lease_hooks hooks;
    int64_t offline_ms;                /* how long the server may be away while the job runs */
    struct spool *spool;               /* borrowed: where it is recorded; NULL: nowhere */
    const struct attempt_log *resumed; /* what the spool says of it; NULL: it begins */
};

/* `loop` is borrowed. ERR_NOMEM. */
MUST_USE int lease_create(struct loop *loop, const struct lease_settings *settings,
                          struct lease **lease, struct err *err);
void lease_destroy(struct lease *lease);
OWN_POINTER(lease)

/* Adds the metrics of one step to what the next lease_tick() sends: what a job prints at once is
 * one request, and a value that it replaces at once is never sent. */
void lease_measure(struct lease *lease, int64_t step, const struct metric_value *metrics, size_t n);
/* Is it an objective of the trial? */
bool lease_is_objective(const struct lease *lease, const char *metric);
/* Returns the number of the last report that it was given. */
uint64_t lease_reports(const struct lease *lease);
/* True once every objective was measured. */
bool lease_is_measured(const struct lease *lease);
/* As pending_append_reported() and pending_append_missing(). */
void lease_append_reported(const struct lease *lease, struct buf *out);
void lease_append_missing(const struct lease *lease, struct buf *out);
/* Once everything measured has been answered: an objective's decisive value that the server did not
 * take. Appends a sentence about it; false: there is none. */
bool lease_append_lost(const struct lease *lease, struct buf *out);
/* As pending_append_not_finite(). */
bool lease_append_not_finite(const struct lease *lease, struct buf *out);
/* True once everything measured has been answered. */
bool lease_is_flushed(const struct lease *lease);
/* Makes the spool shorter where most of it was answered; else, or when that fails, it stays. */
void lease_condense(struct lease *lease, struct pending_steps steps);
/* True once the server has answered a call of this lease. */
bool lease_is_answered(const struct lease *lease);
/* Recorded on the disk, then sent once everything measured has been answered. The report is moved
 * in. */
MUST_USE int lease_result_steal(struct lease *lease, struct result_report *report, struct err *err);
/* Hands the trial back instead. Measurements not sent yet are sent first. */
void lease_release(struct lease *lease);

/* The worker is leaving: what waits to be repeated is tried now. */
void lease_hurry(struct lease *lease);

/* Starts what is due. */
void lease_tick(struct lease *lease);
/* Returns the monotonic moment in ms of the next lease_tick() that has something to do. */
int64_t lease_deadline(const struct lease *lease);

#endif
