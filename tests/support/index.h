/* Two small tables for the history checker: texts that become numbers, and rows found by the first
 * few of their key numbers. Both grow as needed and abort when memory ends: this is a test tool.
 * One thread. */
#ifndef TESTS_SUPPORT_INDEX_H
#define TESTS_SUPPORT_INDEX_H

#include <stddef.h>
#include <stdint.h>

/* Equal texts have equal numbers; 0 is "no text". */
struct texts {
    size_t n, cap;
    char **items;   /* items[0] is "" */
    size_t n_slots; /* a power of two */
    uint32_t *slots;
};

void texts_init(struct texts *texts);
void texts_finish(struct texts *texts);
/* NULL gives 0. */
uint32_t texts_add(struct texts *texts, const char *text);
const char *texts_get(const struct texts *texts, uint32_t number);

#define INDEX_KEYS 6

struct index_entry {
    int64_t key[INDEX_KEYS]; /* unused ones are 0 */
    size_t row;              /* whatever the index is over */
};

/* Add everything, sort once, then look up. O(n log n) altogether. */
struct index {
    size_t n, cap;
    struct index_entry *items;
};

void index_finish(struct index *index);
void index_add(struct index *index, const int64_t key[], size_t n_keys, size_t row);
void index_sort(struct index *index);
/* The first entry whose first n_keys numbers are `key`; *n is how many follow it, itself included.
 */
const struct index_entry *index_find(const struct index *index, const int64_t key[], size_t n_keys,
                                     size_t *n);

/* realloc() that never fails, doubling `cap` until it holds `n` + 1 items. */
void *grow(void *items, size_t n, size_t *cap, size_t item_bytes);

#endif
