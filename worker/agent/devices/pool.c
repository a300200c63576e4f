#include "worker/agent/devices/pool.h"

bool device_set_has(const struct device_set *set, size_t device)
{
    return (set->bits[device / 64] >> (device % 64) & 1) != 0;
}

void device_set_add(struct device_set *set, size_t device)
{
    set->bits[device / 64] |= UINT64_C(1) << (device % 64);
}

size_t device_set_count(const struct device_set *set)
{
    size_t n = 0;

    for (size_t i = 0; i < DISCOVERED_MAX; i++) {
        n += device_set_has(set, i);
    }
    return n;
}

void pool_init(struct pool *pool, const struct discovery *discovery, size_t places)
{
    *pool = (struct pool){.n = discovery->n, .places = places};
    for (size_t i = 0; i < discovery->n; i++) {
        pool->devices[i].memory_mib = discovery->gpus[i].memory_mib / (int64_t)places;
    }
}

bool pool_has_room(const struct pool *pool, size_t device)
{
    return pool->devices[device].used < pool->places;
}

struct device_set pool_free(const struct pool *pool)
{
    struct device_set set = {{0}};

    for (size_t i = 0; i < pool->n; i++) {
        if (!pool->devices[i].is_out && pool_has_room(pool, i)) {
            device_set_add(&set, i);
        }
    }
    return set;
}

/* Is `a` to be taken before `b`? */
static bool goes_first(const struct pool_device *a, const struct pool_device *b, size_t slot)
{
    bool had_a = a->last_slot == slot + 1;
    bool had_b = b->last_slot == slot + 1;

    if (a->used != b->used) {
        return a->used < b->used;
    }
    if (had_a != had_b) {
        return had_a;
    }
    return a->memory_mib < b->memory_mib;
}

/* Moves the best of those that are left into `taken`. */
static bool take_one(const struct pool *pool, size_t slot, int64_t memory_mib,
                     const struct device_set *free, struct device_set *taken)
{
    size_t best = pool->n;

    for (size_t i = 0; i < pool->n; i++) {
        const struct pool_device *device = &pool->devices[i];
        if (device_set_has(free, i) && !device_set_has(taken, i) && device->memory_mib >= memory_mib
            && (best == pool->n || goes_first(device, &pool->devices[best], slot))) {
            best = i;
        }
    }
    if (best < pool->n) {
        device_set_add(taken, best);
    }
    return best < pool->n;
}

bool pool_take(struct pool *pool, size_t slot, size_t n, int64_t memory_mib,
               struct device_set *taken)
{
    struct device_set chosen = {{0}};
    struct device_set free = pool_free(pool);

    for (size_t i = 0; i < n; i++) {
        if (!take_one(pool, slot, memory_mib, &free, &chosen)) {
            return false;
        }
    }
    (void)pool_take_these(pool, slot, &chosen);
    *taken = chosen;
    return true;
}

bool pool_take_these(struct pool *pool, size_t slot, const struct device_set *devices)
{
    for (size_t i = 0; i < pool->n; i++) {
        if (device_set_has(devices, i) && pool->devices[i].used == pool->places) {
            return false;
        }
    }
    for (size_t i = 0; i < pool->n; i++) {
        if (device_set_has(devices, i)) {
            pool->devices[i].used++;
            pool->devices[i].last_slot = slot + 1;
        }
    }
    return true;
}

void pool_give_back(struct pool *pool, const struct device_set *devices)
{
    for (size_t i = 0; i < pool->n; i++) {
        if (device_set_has(devices, i) && pool->devices[i].used > 0) {
            pool->devices[i].used--;
        }
    }
}
