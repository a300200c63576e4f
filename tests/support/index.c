#include "tests/support/index.h"

#include <stdlib.h>
#include <string.h>

void *grow(void *items, size_t n, size_t *cap, size_t item_bytes)
{
    void *grown = items;

    if (n >= *cap) {
        *cap = *cap == 0 ? 64 : *cap * 2;
        grown = realloc(items, *cap * item_bytes);
        if (grown == NULL) {
            abort();
        }
    }
    return grown;
}

/* ---- texts ---------------------------------------------------------------------------------- */

/* FNV-1a: short, and good enough for a table that no enemy fills. */
static uint64_t text_hash(const char *text)
{
    uint64_t hash = 14695981039346656037ULL;

    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211ULL;
    }
    return hash ^ (hash >> 29);
}

static void slot_put(struct texts *texts, uint32_t number)
{
    size_t at = text_hash(texts->items[number]) & (texts->n_slots - 1);

    while (texts->slots[at] != 0) {
        at = (at + 1) & (texts->n_slots - 1);
    }
    texts->slots[at] = number;
}

static void slots_resize(struct texts *texts, size_t n_slots)
{
    free(texts->slots);
    texts->n_slots = n_slots;
    texts->slots = calloc(n_slots, sizeof *texts->slots);
    if (texts->slots == NULL) {
        abort();
    }
    for (size_t i = 1; i < texts->n; i++) {
        slot_put(texts, (uint32_t)i);
    }
}

static uint32_t text_append(struct texts *texts, const char *text)
{
    texts->items = grow(texts->items, texts->n, &texts->cap, sizeof *texts->items);
    texts->items[texts->n] = strdup(text);
    if (texts->items[texts->n] == NULL) {
        abort();
    }
    return (uint32_t)texts->n++;
}

void texts_init(struct texts *texts)
{
    *texts = (struct texts){0};
    (void)text_append(texts, "");
    slots_resize(texts, 256);
}

void texts_finish(struct texts *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        free(texts->items[i]);
    }
    free(texts->items);
    free(texts->slots);
    *texts = (struct texts){0};
}

uint32_t texts_add(struct texts *texts, const char *text)
{
    size_t at;

    if (text == NULL) {
        return 0;
    }
    at = text_hash(text) & (texts->n_slots - 1);
    while (texts->slots[at] != 0) {
        if (strcmp(texts->items[texts->slots[at]], text) == 0) {
            return texts->slots[at];
        }
        at = (at + 1) & (texts->n_slots - 1);
    }
    texts->slots[at] = text_append(texts, text);
    if (texts->n * 2 > texts->n_slots) {
        slots_resize(texts, texts->n_slots * 2);
        return (uint32_t)(texts->n - 1);
    }
    return texts->slots[at];
}

const char *texts_get(const struct texts *texts, uint32_t number)
{
    return texts->items[number];
}

/* ---- index ---------------------------------------------------------------------------------- */

static int keys_compare(const int64_t a[], const int64_t b[], size_t n_keys)
{
    for (size_t i = 0; i < n_keys; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

static int entry_compare(const void *a, const void *b)
{
    const struct index_entry *left = a;
    const struct index_entry *right = b;
    int order = keys_compare(left->key, right->key, INDEX_KEYS);

    if (order != 0) {
        return order;
    }
    return (left->row > right->row) - (left->row < right->row);
}

void index_finish(struct index *index)
{
    free(index->items);
    *index = (struct index){0};
}

void index_add(struct index *index, const int64_t key[], size_t n_keys, size_t row)
{
    struct index_entry *entry;

    index->items = grow(index->items, index->n, &index->cap, sizeof *index->items);
    entry = &index->items[index->n++];
    *entry = (struct index_entry){.row = row};
    memcpy(entry->key, key, n_keys * sizeof *key);
}

void index_sort(struct index *index)
{
    if (index->n > 1) {
        qsort(index->items, index->n, sizeof *index->items, entry_compare);
    }
}

static size_t lower_bound(const struct index *index, const int64_t key[], size_t n_keys, int above)
{
    size_t low = 0;
    size_t high = index->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (keys_compare(index->items[middle].key, key, n_keys) < above) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct index_entry *index_find(const struct index *index, const int64_t key[], size_t n_keys,
                                     size_t *n)
{
    size_t first = lower_bound(index, key, n_keys, 0);
    size_t end = lower_bound(index, key, n_keys, 1);

    *n = end - first;
    return *n == 0 ? NULL : &index->items[first];
}
