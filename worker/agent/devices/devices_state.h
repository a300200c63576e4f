/* What the devices of a worker (devices.h) are. */
#ifndef WORKER_AGENT_DEVICES_DEVICES_STATE_H
#define WORKER_AGENT_DEVICES_DEVICES_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "worker/agent/devices/discovery.h"
#include "worker/agent/devices/gate.h"
#include "worker/agent/devices/job_devices.h"
#include "worker/agent/devices/pool.h"
#include "worker/agent/devices/query.h"
#include "worker/agent/devices/sampler.h"
#include "worker/agent/lease_request.h"
#include "worker/agent/quick_failures.h"

#define DEVICES_SLOT_NONE SIZE_MAX

struct devices_settings {
    const char *gpus;       /* a list, "none" or "all"; NULL: not said */
    size_t n_slots;         /* 0: not said */
    size_t per_gpu;         /* trials at once; 0: one */
    int64_t max_other_mib;  /* -1: the default of gate.h */
    int64_t min_disk_bytes; /* the same */
    bool hides;             /* a job without a GPU sees none */
    size_t n_threads;       /* for each job; 0: not said */
    int64_t base_ms;        /* the first wait of what is quarantined */
    int64_t limit_ms;       /* of a look at the vendor's tool; 0: 10 s */
    /* Fills the processes whose descendants are jobs of this worker; returns how many. */
    size_t (*roots)(void *context, pid_t pids[], size_t max);
    void *context;
};

/* Something that may be quarantined. */
struct quarantine {
    bool is_on;
    bool by_jobs; /* they failed there at once; nobody can look whether they would again */
    unsigned times;
    int64_t until_ms; /* of the next look */
    char why[GATE_WHY_BYTES];
};

struct devices {
    struct devices_settings settings;
    struct loop *loop;
    const char *workdir; /* borrowed; NULL: not known yet */
    struct discovery found;
    struct pool pool;
    struct query query;
    struct sampler sampler;
    struct quarantine gpus[DISCOVERED_MAX];
    struct quick_failures quick[DISCOVERED_MAX]; /* of the jobs on each */
    struct quarantine disk;
    size_t n_cpus; /* a slot's share */

    bool is_asked;       /* a look is under way */
    bool is_wanted;      /* a slot waits for one */
    int64_t answered_ms; /* when the last one was answered; INT64_MIN: never */
    struct quarantine tool;

    size_t asker; /* the slot that asks; DEVICES_SLOT_NONE: none */
    bool has_grown;
    int64_t told_ms; /* when the server was told that nothing is fit; INT64_MIN: not yet */
};

#endif
