/* The agent: asks the server for trials and runs them, one process group each, in a number of
 * slots.
 *
 * One thread, one loop; every decision is made there. It trains on while the server is away, keeps
 * a finished result until it is delivered, and leaves nothing running behind: not when it is
 * stopped, and not when it is killed. Used by `hone worker` and `hone run`. */
#ifndef WORKER_AGENT_AGENT_H
#define WORKER_AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "worker/agent/agent_settings.h"

/* Of AGENT_ENDED: the job did what it should, and so the trial counts. */
bool agent_event_is_success(const struct agent_event *event);

struct agent;

/* Checks everything that can be checked before the first trial: names, placeholders, regular
 * expressions, whether the commands can be found, whether the work directory can be written. */
MUST_USE int agent_create(const struct agent_settings *settings, struct agent **agent,
                          struct err *err);
void agent_destroy(struct agent *agent);
OWN_POINTER(agent)
/* How many trials run at once at most. */
size_t agent_slots(const struct agent *agent);

/* Delivers what an earlier worker has left in the state directory, and serves until agent_leave(),
 * or until one of the settings lets it end. ERR_LOCKED: another worker has the state directory.
 * ERR_UNAUTHORIZED, ERR_FORBIDDEN, ERR_UPGRADE_REQUIRED: the server refuses it. ERR_IO: its
 * command cannot run. */
MUST_USE int agent_run(struct agent *agent, struct err *err);

/* Asks it to leave (leaving.h). Async-signal-safe, any thread. */
void agent_leave(struct agent *agent, enum leaving_request request);
/* The same. Once: ask for nothing more, stop the jobs (SIGTERM, grace, SIGKILL), hand the trials
 * back, return. Twice: kill everything and return at once. */
void agent_stop(struct agent *agent);
/* Async-signal-safe, any thread. The study seems to be over: a slot that waits before it asks,
 * after failures say, asks now, and is told. */
void agent_hurry(struct agent *agent);

/* How agent_run() came to its end, where it returned 0. */
enum agent_end {
    AGENT_END_FINISHED,  /* nothing was left to do, or no more was to be done */
    AGENT_END_PREEMPTED, /* it was told to leave, or its time was over */
    AGENT_END_KILLED     /* what ran was killed, and not handed back */
};
enum agent_end agent_end(const struct agent *agent);

/* For other files of this folder. Its programs, expressions, folders and loop; lives as long as the
 * agent. */
struct agent_context;
struct agent_context *agent_context(struct agent *agent);
/* How often it was asked to leave, as far as the loop has seen it. */
unsigned agent_stops(const struct agent *agent);

#endif
