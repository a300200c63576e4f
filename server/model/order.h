/* Sorting by a number: places instead of moved things, in time that grows with n alone. */
#ifndef SERVER_MODEL_ORDER_H
#define SERVER_MODEL_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* One thing to sort: by key, ascending; equal keys keep their order. */
struct ordered {
    uint64_t key;
    size_t index;
};

/* The key of a number: smaller numbers have smaller keys, −0 that of 0, NaN the greatest. */
uint64_t order_key(double value);
/* Sorts n items; `scratch` has room for as many. O(n): a radix sort, eight passes at most. */
void order_sort(size_t n, struct ordered items[], struct ordered scratch[]);

#endif
