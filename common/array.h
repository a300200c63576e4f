/* Arrays that grow by doubling.
 *
 * The caller keeps the three members: the items, how many there are, and for how many there is
 * memory. `free()` releases the items. Not for sharing between threads. */
#ifndef COMMON_ARRAY_H
#define COMMON_ARRAY_H

#include <stddef.h>

#include "common/err.h"

/* Makes room for one item more than `n`, each of `size` bytes. `items` is the address of the
 * pointer to them (`T **`); it and *cap change only when the array had to grow, and neither does
 * when this fails. Returns 0, or -1 with ERR_NOMEM ("out of memory"); `err` may be NULL.
 *
 *     TRY(array_reserve(&list->items, list->n, &list->cap, sizeof *list->items, err));
 *     list->items[list->n++] = item; */
MUST_USE int array_reserve(void *items, size_t n, size_t *cap, size_t size, struct err *err);

#endif
