/* What the process holds on the heap, for tests that look for leaks of any kind. */
#ifndef TESTS_SUPPORT_HEAP_H
#define TESTS_SUPPORT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* To be called before any thread is started. */
void heap_watch(void);
/* Bytes that were allocated and not freed. */
size_t heap_bytes(void);
/* By how much the C library's caches may change that figure. */
extern const size_t heap_noise;
/* Do the same steps, taken again, leave the figure exactly as it was? In a sanitizer build. */
extern const bool heap_is_exact;
/* Open descriptors. */
size_t descriptors_open(void);

#endif
