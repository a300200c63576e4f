/* Which devices the slots have. A slot with a GPU shows its job that device alone, through
 * CUDA_VISIBLE_DEVICES; a slot without leaves the job's environment as it is. */
#ifndef WORKER_AGENT_GPU_H
#define WORKER_AGENT_GPU_H

#include <stddef.h>

#include "common/err.h"
#include "worker/agent/argv_list.h"

/* "0,1,2" or UUIDs ("GPU-8f5e…,MIG-…") into one entry each. ERR_INVALID: an empty or repeated
 * one, or one that is no identifier of letters, digits and - _ / : . */
MUST_USE int gpu_list_read(const char *text, struct argv_list *gpus, struct err *err);

#endif
