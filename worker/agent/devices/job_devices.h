/* What a job is told of the processors and GPUs that are its own, in its environment. */
#ifndef WORKER_AGENT_DEVICES_JOB_DEVICES_H
#define WORKER_AGENT_DEVICES_JOB_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/agent/argv_list.h"
#include "worker/agent/devices/vendor.h"

struct job_devices {
    enum vendor vendor;
    const char *gpus; /* its tokens, with commas; NULL: it has none of its own */
    size_t n_gpus;
    bool by_bus;      /* tokens are indexes as the vendor's tool counts them */
    bool hides;       /* a job that has none sees none */
    size_t n_cpus;    /* its share of the processors; 0: not said */
    size_t n_threads; /* for OpenMP; 0: what it likes */
};

/* Is this inherited variable ("NAME=value") to be left out? */
bool job_devices_replace(const struct job_devices *devices, const char *variable);
/* Appends the variables of the job. */
void job_devices_append(const struct job_devices *devices, struct argv_list *out);

#endif
