/* hone worker --bundle: runs the trials of a bundle, without a server. */
#ifndef WORKER_CLI_VERBS_WORKER_BUNDLE_H
#define WORKER_CLI_VERBS_WORKER_BUNDLE_H

#include "common/err.h"
#include "worker/agent/agent.h"

struct worker_bundle_options {
    const char *file;    /* NULL: none */
    const char *results; /* NULL: FILE.results */
};

/* `serve` runs the agent with the settings, whose server and study are filled in here. Says at the
 * end how the bundle stands. */
MUST_USE int worker_bundle(struct agent_settings *settings,
                           const struct worker_bundle_options *options,
                           int (*serve)(struct agent_settings *settings, struct err *err),
                           struct err *err);

#endif
