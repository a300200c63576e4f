/* The job of a slot: started with what its trial says, read while it runs, summed up at its end. */
#ifndef WORKER_AGENT_JOB_H
#define WORKER_AGENT_JOB_H

#include "worker/agent/slot_state.h"

/* Can the slot's trial be run by the command there is for it? ERR_INVALID: no trial of its study
 * can. What may be a mistake is logged once per command. */
MUST_USE int job_check(struct slot *slot, struct err *err);
/* Opens the log and what reads the output; begins to watch over the time of the run, of which the
 * slot knows when it began; and watches its pipes. For slot_kept.c, of a job that runs already. */
MUST_USE int job_open_output(struct slot *slot, struct err *err);
void job_supervise(struct slot *slot);
MUST_USE int job_watch(struct slot *slot, struct err *err);
/* Starts the command for from…to of the slot's trial. ERR_IO: not on this machine, now. */
MUST_USE int job_start(struct slot *slot, struct err *err);
/* Reads what the job has left in its pipes and closes them. */
void job_collect(struct slot *slot);
/* Kills what still runs and lets go of everything of this run. */
void job_finish(struct slot *slot);
/* Sends what the supervisor decided. */
void job_act(struct slot *slot, enum job_act act);
/* What the server last said, for the job to read. */
void job_write_control(struct slot *slot, const struct action_reply *reply);
/* A report, however it came. */
void job_report(void *context, const struct metric_report *report, const char *line, size_t len);
/* A line of `hone report`; a report_hook. Where steps are found in the output, what the job has
 * printed before is read first. */
bool job_take_line(void *context, struct metric_report *report, const char *line, size_t len);
/* Fills the result from the slot's ending. */
MUST_USE int job_result(struct slot *slot, struct result_report *report, struct err *err);

#endif
