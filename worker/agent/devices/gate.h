/* Whether a device, or the disk, is fit for a trial. Pure. */
#ifndef WORKER_AGENT_DEVICES_GATE_H
#define WORKER_AGENT_DEVICES_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_WHY_BYTES 256

/* What is known of a GPU now. */
struct gate_facts {
    const char *name; /* as people call it */
    const char *tool; /* that said so */
    bool is_listed;
    int64_t others_mib;        /* of its memory in use by others; -1: not known */
    int64_t other_process;     /* a process of others that computes on it; 0: none is known */
    int64_t other_process_mib; /* its memory; -1: not known */
    int64_t
        max_other_mib; /* so much may be in use by others; -1: no process of theirs, and 1 GiB */
};

/* True, with a sentence in `why`: no trial is to run there. */
bool gate_refuses_gpu(const struct gate_facts *facts, char why[GATE_WHY_BYTES]);
/* The same for the work directory's file system. `min_bytes` -1: 1 GiB, or a twentieth of a small
 * one. */
bool gate_refuses_disk(const char *workdir, int64_t free_bytes, int64_t total_bytes,
                       int64_t min_bytes, char why[GATE_WHY_BYTES]);

#endif
