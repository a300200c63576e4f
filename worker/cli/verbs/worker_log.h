/* What a worker writes into its log as it runs trials: a line for each that begins and ends, with
 * what it was worth and the best one of this worker. */
#ifndef WORKER_CLI_VERBS_WORKER_LOG_H
#define WORKER_CLI_VERBS_WORKER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/agent/agent.h"

#define WORKER_LOG_WAITING_BYTES 320
#define WORKER_LOG_STUDY_BYTES 80

struct worker_log {
    char waiting[WORKER_LOG_WAITING_BYTES]; /* what was printed last, so that it is printed once */
    struct slot_value {
        bool is_known;
        double value;
    } slots[AGENT_SLOTS_MAX];           /* of the objective, in the trial that runs there */
    char study[WORKER_LOG_STUDY_BYTES]; /* of the best trial; "": none yet */
    int64_t best_trial;
    double best;
};

/* For agent_settings.on_event; the context is a zeroed struct worker_log. */
void worker_log_event(void *log, const struct agent_event *event);

/* The first line: which trials, at which server, in how many slots. */
void worker_log_hello(const struct agent_settings *settings, size_t n_slots);

#endif
