#include "server/model/radix_sort.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { FEW = 48, DIGITS = 8, VALUES = 256 };

uint64_t radix_key(double value)
{
    double plain = value + 0.0; /* −0 + 0 is 0 */
    uint64_t bits;

    if (isnan(value)) {
        return UINT64_MAX;
    }
    memcpy(&bits, &plain, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | (uint64_t)1 << 63;
}

static void insert(size_t n, struct radix_item items[])
{
    for (size_t i = 1; i < n; i++) {
        struct radix_item item = items[i];
        size_t at = i;
        while (at > 0 && items[at - 1].key > item.key) {
            items[at] = items[at - 1];
            at--;
        }
        items[at] = item;
    }
}

static size_t digit(uint64_t key, size_t k)
{
    return (size_t)(key >> (8 * k)) & (VALUES - 1);
}

/* One pass by one digit; false: all have the same one, and nothing was moved. */
static bool pass(size_t n, size_t k, uint32_t count[VALUES], const struct radix_item from[],
                 struct radix_item to[])
{
    uint32_t at = 0;

    if (count[digit(from[0].key, k)] == n) {
        return false;
    }
    for (size_t v = 0; v < VALUES; v++) {
        uint32_t here = count[v];
        count[v] = at;
        at += here;
    }
    for (size_t i = 0; i < n; i++) {
        to[count[digit(from[i].key, k)]++] = from[i];
    }
    return true;
}

void radix_sort(size_t n, struct radix_item items[], struct radix_item scratch[])
{
    uint32_t count[DIGITS][VALUES];
    struct radix_item *from = items;
    struct radix_item *to = scratch;

    if (n <= FEW) {
        insert(n, items);
        return;
    }
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < DIGITS; k++) {
            count[k][digit(items[i].key, k)]++;
        }
    }
    for (size_t k = 0; k < DIGITS; k++) {
        if (pass(n, k, count[k], from, to)) {
            struct radix_item *swap = from;
            from = to;
            to = swap;
        }
    }
    if (from != items) {
        memcpy(items, from, n * sizeof *items);
    }
}
