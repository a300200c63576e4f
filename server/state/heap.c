#include "server/state/heap.h"

#include <stdlib.h>

#include "common/array.h"

void heap_finish(struct heap *heap)
{
    free(heap->nodes);
    *heap = (struct heap){0};
}

void heap_node_init(struct heap_node *node, void *owner)
{
    *node = (struct heap_node){.place = HEAP_NOWHERE, .owner = owner};
}

struct heap_node *heap_top(const struct heap *heap)
{
    return heap->n == 0 ? NULL : heap->nodes[0];
}

static void put(struct heap *heap, size_t place, struct heap_node *node)
{
    heap->nodes[place] = node;
    node->place = place;
}

static void rise(struct heap *heap, struct heap_node *node)
{
    size_t place = node->place;

    while (place > 0 && heap->nodes[(place - 1) / 2]->at_ms > node->at_ms) {
        put(heap, place, heap->nodes[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(heap, place, node);
}

static void sink(struct heap *heap, struct heap_node *node)
{
    size_t place = node->place;

    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= heap->n) {
            break;
        }
        if (child + 1 < heap->n && heap->nodes[child + 1]->at_ms < heap->nodes[child]->at_ms) {
            child++;
        }
        if (heap->nodes[child]->at_ms >= node->at_ms) {
            break;
        }
        put(heap, place, heap->nodes[child]);
        place = child;
    }
    put(heap, place, node);
}

int heap_set(struct heap *heap, struct heap_node *node, int64_t at_ms, struct err *err)
{
    if (node->place == HEAP_NOWHERE) {
        TRY(array_reserve(&heap->nodes, heap->n, &heap->cap, sizeof(struct heap_node *), err));
        put(heap, heap->n++, node);
    }
    node->at_ms = at_ms;
    rise(heap, node);
    sink(heap, node);
    return 0;
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == HEAP_NOWHERE) {
        return;
    }
    struct heap_node *last = heap->nodes[--heap->n];
    if (last != node) {
        put(heap, node->place, last);
        rise(heap, last);
        sink(heap, last);
    }
    node->place = HEAP_NOWHERE;
}
