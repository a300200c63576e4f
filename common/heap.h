/* What the process has taken of its heap. */
#ifndef COMMON_HEAP_H
#define COMMON_HEAP_H

#include <stddef.h>

/* Bytes that are allocated and not freed; where the allocator does not count those (mimalloc, in
 * the static build), what it holds in memory for them. Safe from any thread. */
size_t heap_allocated_bytes(void);

#endif
