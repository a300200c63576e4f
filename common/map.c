#include "common/map.h"

#include <stdlib.h>

#include "common/hash_secret.h"
#include "common/rng.h"

void map_finish(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}

static size_t home_of(const struct map *map, uint64_t key)
{
    return (size_t)splitmix64(key ^ hash_secret()) & (map->cap - 1);
}

/* The slot of the key, or the free one where it would go. */
static size_t find(const struct map *map, uint64_t key)
{
    size_t i = home_of(map, key);

    while (map->slots[i].value != NULL && map->slots[i].key != key) {
        i = (i + 1) & (map->cap - 1);
    }
    return i;
}

void *map_get(const struct map *map, uint64_t key)
{
    return map->cap == 0 ? NULL : map->slots[find(map, key)].value;
}

static int grow(struct map *map, struct err *err)
{
    struct map bigger = {.cap = map->cap == 0 ? 16 : map->cap * 2, .n = map->n};

    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (bigger.slots == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < map->cap; i++) {
        if (map->slots[i].value != NULL) {
            bigger.slots[find(&bigger, map->slots[i].key)] = map->slots[i];
        }
    }
    free(map->slots);
    *map = bigger;
    return 0;
}

int map_put(struct map *map, uint64_t key, void *value, struct err *err)
{
    if ((map->n + 1) * 4 > map->cap * 3) {
        TRY(grow(map, err));
    }
    size_t i = find(map, key);
    if (map->slots[i].value == NULL) {
        map->n++;
    }
    map->slots[i] = (struct map_slot){key, value};
    return 0;
}

void *map_take(struct map *map, uint64_t key)
{
    if (map->cap == 0) {
        return NULL;
    }
    size_t hole = find(map, key);
    void *taken = map->slots[hole].value;
    if (taken == NULL) {
        return NULL;
    }
    map->n--;
    /* Move back whatever probed past the hole, so that no tombstones are needed. */
    for (size_t i = (hole + 1) & (map->cap - 1); map->slots[i].value != NULL;
         i = (i + 1) & (map->cap - 1)) {
        size_t home = home_of(map, map->slots[i].key);
        if (((i - home) & (map->cap - 1)) >= ((i - hole) & (map->cap - 1))) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole] = (struct map_slot){0};
    return taken;
}

void *map_next(const struct map *map, size_t *at)
{
    while (*at < map->cap) {
        void *value = map->slots[(*at)++].value;
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}
