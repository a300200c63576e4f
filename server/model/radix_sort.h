/* Sorting by floating-point keys in linear time; sorts indices, so that nothing else moves. */
#ifndef SERVER_MODEL_RADIX_SORT_H
#define SERVER_MODEL_RADIX_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Sorted by key, ascending; items of equal keys keep their order. */
struct radix_item {
    uint64_t key;
    size_t index;
};

/* The key of a number: order-preserving; −0 has the key of 0, NaN the greatest. */
uint64_t radix_key(double value);
/* Sorts n items; `scratch` has room for n. O(n): at most eight passes. */
void radix_sort(size_t n, struct radix_item items[], struct radix_item scratch[]);

#endif
