/* One run of a job without a server: what of its output is understood, and which value its trial
 * would have. Everything from the start of the command to the choice between two values of a step
 * is what a slot does too. */
#ifndef WORKER_AGENT_TRY_H
#define WORKER_AGENT_TRY_H

#include "worker/agent/agent.h"
#include "worker/agent/pending.h"

struct try_result {
    int spawn_errno; /* the command could not be started */
    int wait_status; /* of the command */
    struct buf head; /* the beginning of what it printed, as clean UTF-8 */
    struct buf tail; /* the last lines that it printed */
    struct notes notes;
    struct pending measured; /* its objectives are those of the grant; nothing of it was sent */
    struct spool spool;      /* … as far as it is not in there; in memory alone */
};
void try_result_finish(struct try_result *result);
OWN_VALUE(try_result)

/* Runs the command of the settings, whose workdir is a folder of its own, with the parameters,
 * objectives and resource of the grant, which is moved in. Events tell of each report and each
 * fault. agent_stop() ends the job. ERR_INVALID: the command names what there is not. */
MUST_USE int agent_try(struct agent *agent, struct lease_grant *grant, struct try_result *result,
                       struct err *err);

#endif
