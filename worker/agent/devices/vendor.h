/* What a vendor's tool says of the GPUs of this machine, whichever tool it was. */
#ifndef WORKER_AGENT_DEVICES_VENDOR_H
#define WORKER_AGENT_DEVICES_VENDOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VENDOR_GPUS_MAX 128
#define VENDOR_PROCESSES_MAX 256
#define VENDOR_UUID_BYTES 96
#define VENDOR_MODEL_BYTES 96

enum vendor { VENDOR_NONE, VENDOR_NVIDIA, VENDOR_AMD };

struct vendor_gpu {
    int64_t index;
    char uuid[VENDOR_UUID_BYTES];   /* "GPU-8f5e…", of a part of a GPU "MIG-…"; "": not said */
    char parent[VENDOR_UUID_BYTES]; /* of a part: the uuid of its GPU; "": it is whole */
    char model[VENDOR_MODEL_BYTES];
    int64_t memory_mib; /* 0: not said */
    int64_t used_mib;   /* -1: not said */
    int busy_percent;   /* of the last moments; -1: not said */
};

struct vendor_process {
    int64_t pid;
    char uuid[VENDOR_UUID_BYTES]; /* of the GPU that it computes on */
    int64_t used_mib;             /* -1: not said */
};

/* All zero: nothing is known. */
struct vendor_list {
    enum vendor vendor;
    size_t n;
    size_t n_processes;
    bool lists_processes;
    bool lacks_one; /* the tool has said that it cannot reach one of the GPUs */
    struct vendor_gpu gpus[VENDOR_GPUS_MAX];
    struct vendor_process processes[VENDOR_PROCESSES_MAX];
};

/* Finds what a job would get by this token: an index, a uuid or the beginning of one uuid. NULL: no
 * such GPU, or several. */
const struct vendor_gpu *vendor_find(const struct vendor_list *list, const char *token);
/* The program of the vendor: "nvidia-smi". */
const char *vendor_tool(enum vendor vendor);
/* The variable by which a job sees some GPUs alone. */
const char *vendor_variable(enum vendor vendor);

#endif
