/* One look at the GPUs of this machine by its vendor's tool: several runs of it, one after the
 * other, within one time limit. nvidia-smi is tried first, then rocm-smi; once one has answered,
 * that one alone. */
#ifndef WORKER_AGENT_DEVICES_QUERY_H
#define WORKER_AGENT_DEVICES_QUERY_H

#include <stdbool.h>

#include "worker/agent/devices/probe.h"
#include "worker/agent/devices/vendor.h"

enum query_step { QUERY_GPUS, QUERY_PARTS, QUERY_PROCESSES, QUERY_OVER };

struct query {
    struct probe probe;
    char *paths[VENDOR_AMD + 1]; /* of the tools; NULL: it is not there; owned */
    enum vendor vendor;          /* whose tool is asked */
    bool is_settled;             /* it has answered before */
    bool has_parts;              /* and some GPU was divided */
    enum query_step step;
    int64_t limit_ms;
    int64_t until_ms;
    struct vendor_list *list; /* being filled; owned */
    struct err trouble;       /* of the tools, with their names; ERR_NONE: one has answered */
};

/* Looks for the tools on PATH. `loop` is borrowed. ERR_NOMEM. */
MUST_USE int query_init(struct query *query, struct loop *loop, int64_t limit_ms, struct err *err);
void query_finish(struct query *query);
/* Is there any tool? */
bool query_has_tool(const struct query *query);
/* Begins a look, which is over when `step` is QUERY_OVER; that may be at once. */
void query_begin(struct query *query);
void query_tick(struct query *query);
int64_t query_deadline(const struct query *query);

#endif
