/* A hash table from 64-bit keys to pointers it does not own.
 *
 * Keys that come from outside are digests (common/digest.h); where a key stands depends on the
 * secret of the process (common/hash_secret.h). Iteration order is none to rely on. One thread at a
 * time. */
#ifndef COMMON_MAP_H
#define COMMON_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct map_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

struct map {
    struct map_slot *slots;
    size_t cap; /* 0 or a power of two */
    size_t n;
};

void map_finish(struct map *map);
/* Returns the value, or NULL. */
void *map_get(const struct map *map, uint64_t key);
/* Adds or replaces; value is not NULL. ERR_NOMEM. */
MUST_USE int map_put(struct map *map, uint64_t key, void *value, struct err *err);
/* Removes; returns what was there, or NULL. */
void *map_take(struct map *map, uint64_t key);
/* Walks: *at starts at 0; NULL at the end. No changes meanwhile. */
void *map_next(const struct map *map, size_t *at);

#endif
