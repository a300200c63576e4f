/* Which GPUs this worker has, decided from what was said, what was inherited and what the vendor's
 * tool lists. Pure. */
#ifndef WORKER_AGENT_DEVICES_DISCOVERY_H
#define WORKER_AGENT_DEVICES_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "worker/agent/devices/tokens.h"
#include "worker/agent/devices/vendor.h"

#define DISCOVERED_MAX 256
#define DISCOVERED_NAME_BYTES 64

struct discovery_facts {
    const char *gpus;               /* as said: a list, "none" or "all"; NULL: nothing */
    bool wants_slots;               /* a number of slots was said, and no GPUs */
    const char *cuda, *rocr, *hip;  /* the inherited variables; NULL: not set */
    const struct vendor_list *list; /* by the vendor's tool; NULL: it has not answered */
    const char *trouble;            /* why not; "": there is no tool */
};

/* The order in which they count. */
enum discovery_source { DISCOVERY_SAID, DISCOVERY_INHERITED, DISCOVERY_LISTED, DISCOVERY_NOTHING };

struct discovered_gpu {
    char token[TOKEN_BYTES];          /* what its job finds in the vendor's variable */
    char uuid[VENDOR_UUID_BYTES];     /* as the tool names it; "": not known */
    int64_t index;                    /* in the tool's list; -1: not known, or a part of a GPU */
    char name[DISCOVERED_NAME_BYTES]; /* for people: "GPU 0" where its index is known */
    char model[VENDOR_MODEL_BYTES];
    int64_t memory_mib; /* 0: not known */
};

struct discovery {
    enum discovery_source source;
    enum vendor vendor;
    bool by_bus; /* tokens are indexes in the order of the tool's list */
    size_t n;
    struct discovered_gpu gpus[DISCOVERED_MAX];
};

/* Would the answer of a tool change the decision? */
bool discovery_needs_tool(const struct discovery_facts *facts);
/* ERR_INVALID: a list that cannot be read, or all GPUs where there are none. */
MUST_USE int discovery_decide(const struct discovery_facts *facts, struct discovery *discovery,
                              struct err *err);

#endif
