/* Which devices have room for one more trial, and who has them. Pure.
 *
 * Every device has the same number of places, so many trials may use it at once; a trial takes one
 * place on each of its devices and never two on one. */
#ifndef WORKER_AGENT_DEVICES_POOL_H
#define WORKER_AGENT_DEVICES_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/agent/devices/discovery.h"

/* Some of the devices. */
struct device_set {
    uint64_t bits[DISCOVERED_MAX / 64];
};
bool device_set_has(const struct device_set *set, size_t device);
void device_set_add(struct device_set *set, size_t device);
size_t device_set_count(const struct device_set *set);

struct pool_device {
    int64_t memory_mib; /* for each place; 0: not known */
    size_t used;        /* places */
    size_t last_slot;   /* that had it, + 1; 0: none yet */
    bool is_out;        /* quarantined: it has no room */
};

struct pool {
    size_t n;
    size_t places; /* of each device */
    struct pool_device devices[DISCOVERED_MAX];
};

void pool_init(struct pool *pool, const struct discovery *discovery, size_t places);
/* Has the device a free place, whether it is quarantined or not? */
bool pool_has_room(const struct pool *pool, size_t device);
/* Those with a free place that are not quarantined. */
struct device_set pool_free(const struct pool *pool);
/* Takes a place on each of `n` devices with at least so much memory, or with 0 on any. Those with
 * the fewest trials come first, then the one that this slot had last, then the smallest that will
 * do. False, with nothing taken: there are not so many. */
bool pool_take(struct pool *pool, size_t slot, size_t n, int64_t memory_mib,
               struct device_set *taken);
/* Takes a place on each of these, as a slot that goes on with a trial must, quarantined or not.
 * False, with nothing taken: one has no free place. */
bool pool_take_these(struct pool *pool, size_t slot, const struct device_set *devices);
void pool_give_back(struct pool *pool, const struct device_set *devices);

#endif
