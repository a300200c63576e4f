/* How busy the GPUs are that trials have: the vendor's tool is run now and then beside the loop.
 *
 * A look takes one run of the tool, which is never waited for. Looks are SAMPLER_EVERY_MS apart,
 * and farther where the tool is slow: it runs at most a fiftieth of the time. A run that fails or
 * does not end in time is no sample, and the next one comes later each time. For the agent's one
 * thread.
 */
#ifndef WORKER_AGENT_DEVICES_SAMPLER_H
#define WORKER_AGENT_DEVICES_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/agent/devices/probe.h"
#include "worker/agent/devices/vendor.h"

#define SAMPLER_EVERY_MS 10000

struct sampler {
    struct probe probe;
    enum vendor vendor;
    char *path;       /* of its tool; borrowed; NULL: there is none, so nothing is ever known */
    int64_t limit_ms; /* of one run */
    bool is_running;
    int64_t began_ms;         /* the last run */
    int64_t due_ms;           /* the next */
    unsigned failures;        /* in a row */
    bool is_known;            /* the last run has answered */
    struct vendor_list *list; /* what it said; owned */
};

/* `loop` and `path` are borrowed. ERR_NOMEM. */
MUST_USE int sampler_init(struct sampler *sampler, struct loop *loop, enum vendor vendor,
                          char *path, int64_t limit_ms, struct err *err);
/* Kills what still runs; accepts a zeroed one. */
void sampler_finish(struct sampler *sampler);
/* Takes an answer; begins a look that is due if one `is_wanted`. */
void sampler_tick(struct sampler *sampler, bool is_wanted);
/* Returns the moment of the next sampler_tick() that has something to do; INT64_MAX: none. */
int64_t sampler_deadline(const struct sampler *sampler, bool is_wanted);
/* Returns how busy the device of this token was at the last look, 0 to 1; NaN: not known, or too
 * long ago. */
double sampler_utilization(const struct sampler *sampler, const char *token);

#endif
