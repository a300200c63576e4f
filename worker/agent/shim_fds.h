/* The descriptors of a shim, at fixed places. */
#ifndef WORKER_AGENT_SHIM_FDS_H
#define WORKER_AGENT_SHIM_FDS_H

#include "worker/agent/shim.h"

enum shim_fd {
    FD_METRICS = SHIM_METRICS_FD,
    FD_OUTPUT,
    FD_ERRORS,
    FD_CHANNEL,
    FD_READERS,                            /* three of them */
    FD_SOCKET = FD_READERS + STREAM_COUNT, /* of one that keeps its job; else nothing */
    FD_END
};

/* Brings the descriptors of the spec to their places and closes all others: a connection of the
 * agent's that lived on in here would never look closed to the server. Ends the process when it
 * cannot. */
void shim_fds_arrange(const struct shim_spec *spec);
/* Only the job may hold its ends of the pipes from here on, so that their end is its end. */
void shim_fds_leave_to_job(void);

#endif
