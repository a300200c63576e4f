/* The GPUs of a worker: found once, lent to its slots, looked at before each ask.
 *
 * One slot at a time asks for a trial, with all devices that are free, so that what the server
 * grants can be had; the others wait until it is granted. When a device comes free meanwhile, that
 * ask is sent again with it. What is not fit (in use by others, gone, its jobs failing at once, no
 * room on the disk) is quarantined: it is offered to nobody, and looked at again after a wait that
 * grows. A vendor's tool that hangs or fails delays one look; then nothing is known, and what was
 * fit counts as fit.
 *
 * For the agent's one thread. */
#ifndef WORKER_AGENT_DEVICES_DEVICES_H
#define WORKER_AGENT_DEVICES_DEVICES_H

#include "common/err.h"
#include "worker/agent/devices/devices_state.h"

/* Finds the GPUs; may wait for a vendor's tool as long as the limit is. `settings` is copied, and
 * `loop` borrowed. ERR_INVALID: as discovery_decide(), or more slots than room for them. */
MUST_USE int devices_open(struct devices *devices, struct loop *loop,
                          const struct devices_settings *settings, struct err *err);
void devices_close(struct devices *devices);
/* How many slots there are by what was said and found. */
size_t devices_slots(const struct devices *devices);
/* From now on the disk of this folder counts too; borrowed. */
void devices_watch_disk(struct devices *devices, const char *workdir);

/* May this slot send its ask? Then what it offers and says is filled in. Else it waits: for a look,
 * for a device, or until the slot that asks has been granted. */
bool devices_may_ask(struct devices *devices, size_t slot, struct lease_request *request);
/* Has the work directory too little room? Then the next ask, if any, wants nothing. */
bool devices_disk_is_full(struct devices *devices);
/* Something had no room there, as `why` says: it is full until its next look. */
void devices_note_full_disk(struct devices *devices, const char *why);
/* True once after devices came free or fit while the ask of this slot waited. */
bool devices_grew(struct devices *devices, size_t slot);
/* The slot asks no more. */
void devices_end_ask(struct devices *devices, size_t slot);

/* Takes what the grant requires, at least one device, and fills *tokens (for the caller to free);
 * without GPUs *tokens is NULL. ERR_IO: it is not to be had. */
MUST_USE int devices_take(struct devices *devices, size_t slot, const struct lease_grant *grant,
                          struct device_set *taken, char **tokens, struct err *err);
/* How many jobs in a row have failed at once on the one of these devices with the most of them. */
unsigned devices_failures(const struct devices *devices, const struct device_set *taken);
/* The same for a slot that goes on with a trial: exactly the devices of these tokens. ERR_IO: one
 * is not there, or has no room. */
MUST_USE int devices_take_named(struct devices *devices, size_t slot, const char *tokens,
                                struct device_set *taken, struct err *err);
/* Gives devices back. `wait_ms` > 0: their jobs fail at once, says `why`; they are quarantined for
 * so long. */
void devices_give_back(struct devices *devices, const struct device_set *taken,
                       const struct quick_failures *quick, int64_t wait_ms, const char *why);
/* What the job of a slot with these tokens is told. */
struct job_devices devices_of_job(const struct devices *devices, const char *tokens);
/* Returns how busy the devices of a trial are, 0 to 1, their mean; NaN: not known of any. */
double devices_utilization(const struct devices *devices, const struct device_set *taken);

void devices_tick(struct devices *devices);
/* Returns the moment of the next devices_tick() that has something to do; INT64_MAX: none. */
int64_t devices_deadline(const struct devices *devices);

#endif
