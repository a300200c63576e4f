/* The environment of a job: the agent's own, as far as it is passed on (inherited.h; never a
 * token), and what API.md "The job's side" promises. Names from the server are HONE_PARAM_…,
 * whatever the parameters are called. */
#ifndef WORKER_AGENT_ENVIRONMENT_H
#define WORKER_AGENT_ENVIRONMENT_H

#include <jansson.h>
#include <stdint.h>

#include "common/wire/wire.h"
#include "worker/agent/argv_list.h"
#include "worker/agent/devices/job_devices.h"
#include "worker/agent/folder.h"
#include "worker/agent/inherited.h"

struct environment {
    char *const *inherited; /* environ */
    struct inherited_choice choice;
    const struct lease_grant *grant;
    const json_t *parameters;
    int64_t from, to; /* of this run of the command, as a promotion may have moved them */
    const struct folder *folder;
    const char *attempt_id; /* by which what it starts is found */
    int metrics_fd;
    const char *report_socket; /* for `hone report`; NULL: none */
    struct job_devices devices;
};

/* Appends "NAME=value" for each variable of the job. ERR_NOMEM. */
MUST_USE int environment_build(const struct environment *environment, struct argv_list *out,
                               struct err *err);

#endif
