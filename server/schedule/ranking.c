#include "server/schedule/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"

#define BLOCK_ENTRIES 256 /* at most in a block; the first ones are small, as most rungs are */
#define BLOCK_FIRST 16

struct ranking_block {
    size_t n; /* 1 … cap */
    size_t cap;
    struct ranked items[];
};

static bool comes_before(const struct ranked *a, const struct ranked *b)
{
    return a->cost < b->cost || (a->cost <= b->cost && a->trial < b->trial);
}

void ranking_finish(struct rung_ranking *ranking)
{
    for (size_t i = 0; i < ranking->n_blocks; i++) {
        free(ranking->blocks[i]);
    }
    free((void *)ranking->blocks);
    *ranking = (struct rung_ranking){0};
}

/* The last block whose first entry is not after `key`; 0 if there is none. */
static size_t find_block(const struct rung_ranking *ranking, const struct ranked *key)
{
    size_t low = 0;
    size_t high = ranking->n_blocks;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (comes_before(key, &ranking->blocks[middle]->items[0])) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return low;
}

/* How many entries of the block come before `key`. */
static size_t find_entry(const struct ranking_block *block, const struct ranked *key)
{
    size_t low = 0;
    size_t high = block->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (comes_before(&block->items[middle], key)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t block_bytes(size_t cap)
{
    return sizeof(struct ranking_block) + cap * sizeof(struct ranked);
}

/* Puts an empty block at place i. */
static int add_block(struct rung_ranking *ranking, size_t i, size_t entries, struct err *err)
{
    TRY(array_reserve(&ranking->blocks, ranking->n_blocks, &ranking->cap,
                      sizeof(struct ranking_block *), err));
    struct ranking_block *block = malloc(block_bytes(entries));
    if (block == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    block->n = 0;
    block->cap = entries;
    memmove((void *)(ranking->blocks + i + 1), (void *)(ranking->blocks + i),
            (ranking->n_blocks - i) * sizeof(struct ranking_block *));
    ranking->blocks[i] = block;
    ranking->n_blocks++;
    return 0;
}

/* Moves the upper half of block i to a new one behind it. */
static int split(struct rung_ranking *ranking, size_t i, struct err *err)
{
    TRY(add_block(ranking, i + 1, BLOCK_ENTRIES, err));
    struct ranking_block *full = ranking->blocks[i];
    struct ranking_block *fresh = ranking->blocks[i + 1];
    fresh->n = full->n / 2;
    full->n -= fresh->n;
    memcpy(fresh->items, full->items + full->n, fresh->n * sizeof fresh->items[0]);
    return 0;
}

/* Makes room for one more entry in the block where `key` belongs: *at. */
static int make_room(struct rung_ranking *ranking, const struct ranked *key, size_t *at,
                     struct err *err)
{
    size_t i = find_block(ranking, key);
    struct ranking_block *block = ranking->blocks[i];

    if (block->n == BLOCK_ENTRIES) {
        TRY(split(ranking, i, err));
        i = find_block(ranking, key);
    } else if (block->n == block->cap) {
        block = realloc(block, block_bytes(block->cap * 2));
        if (block == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        block->cap *= 2;
        ranking->blocks[i] = block;
    }
    *at = i;
    return 0;
}

int ranking_insert(struct rung_ranking *ranking, double cost, int64_t trial, struct err *err)
{
    const struct ranked key = {cost, trial};
    size_t i = 0;

    if (ranking->n_blocks == 0) {
        TRY(add_block(ranking, 0, BLOCK_FIRST, err));
    } else {
        TRY(make_room(ranking, &key, &i, err));
    }
    struct ranking_block *block = ranking->blocks[i];
    size_t at = find_entry(block, &key);
    memmove(block->items + at + 1, block->items + at, (block->n - at) * sizeof block->items[0]);
    block->items[at] = key;
    block->n++;
    ranking->n++;
    return 0;
}

bool ranking_remove(struct rung_ranking *ranking, double cost, int64_t trial)
{
    const struct ranked key = {cost, trial};

    if (ranking->n == 0) {
        return false;
    }
    size_t i = find_block(ranking, &key);
    struct ranking_block *block = ranking->blocks[i];
    size_t at = find_entry(block, &key);
    if (at == block->n || block->items[at].trial != trial
        || comes_before(&key, &block->items[at])) {
        return false;
    }
    block->n--;
    memmove(block->items + at, block->items + at + 1, (block->n - at) * sizeof block->items[0]);
    ranking->n--;
    if (block->n == 0) {
        free(block);
        ranking->n_blocks--;
        memmove((void *)(ranking->blocks + i), (void *)(ranking->blocks + i + 1),
                (ranking->n_blocks - i) * sizeof(struct ranking_block *));
    }
    return true;
}

size_t ranking_rank(const struct rung_ranking *ranking, double cost, int64_t trial)
{
    const struct ranked key = {cost, trial};
    size_t before = 0;

    if (ranking->n == 0) {
        return 0;
    }
    size_t i = find_block(ranking, &key);
    for (size_t j = 0; j < i; j++) {
        before += ranking->blocks[j]->n;
    }
    return before + find_entry(ranking->blocks[i], &key);
}

struct ranked ranking_at(const struct rung_ranking *ranking, size_t k)
{
    size_t i = 0;

    while (k >= ranking->blocks[i]->n) {
        k -= ranking->blocks[i]->n;
        i++;
    }
    return ranking->blocks[i]->items[k];
}
