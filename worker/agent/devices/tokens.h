/* Tokens: what names a GPU in CUDA_VISIBLE_DEVICES and its kin, an index or a UUID. */
#ifndef WORKER_AGENT_DEVICES_TOKENS_H
#define WORKER_AGENT_DEVICES_TOKENS_H

#include <stdbool.h>

#include "common/err.h"
#include "worker/agent/argv_list.h"

#define TOKEN_BYTES 128

/* Letters, digits and - _ / : . and fewer than TOKEN_BYTES of them. */
bool token_is_plain(const char *token);
/* "0,1,2" or "GPU-8f5e…,MIG-…" into one entry each. ERR_INVALID: an empty or repeated one, or one
 * that is not plain. */
MUST_USE int tokens_read(const char *text, struct argv_list *tokens, struct err *err);
/* The same for the value of an inherited variable, as the vendors' libraries read it: nothing,
 * "NoDevFiles" and what stands behind a negative index are no GPUs. */
MUST_USE int tokens_read_inherited(const char *text, struct argv_list *tokens, struct err *err);

#endif
