/* A binary heap of deadlines: the earliest on top, any of them movable in O(log n). */
#ifndef SERVER_STATE_HEAP_H
#define SERVER_STATE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define HEAP_NOWHERE SIZE_MAX

/* Embedded in whatever has a deadline. */
struct heap_node {
    int64_t at_ms;
    size_t place; /* HEAP_NOWHERE when it is in no heap */
    void *owner;
};

struct heap {
    struct heap_node **nodes;
    size_t n, cap;
};

void heap_finish(struct heap *heap);
/* A node of this owner that is in no heap. */
void heap_node_init(struct heap_node *node, void *owner);
struct heap_node *heap_top(const struct heap *heap); /* NULL when empty */
/* Adds, or moves to its new moment. ERR_NOMEM. */
MUST_USE int heap_set(struct heap *heap, struct heap_node *node, int64_t at_ms, struct err *err);
void heap_remove(struct heap *heap, struct heap_node *node); /* harmless when it is not in */

#endif
