#include "common/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 8 };

int array_reserve(void *items, size_t n, size_t *cap, size_t size, struct err *err)
{
    void *grown;

    if (n < *cap) {
        return 0;
    }
    size_t grown_cap = *cap == 0 ? FIRST_CAP : *cap * 2;
    if (grown_cap < *cap || grown_cap > SIZE_MAX / size) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(&grown, items, sizeof grown); /* a T * is not a void * to the compiler's aliasing */
    grown = realloc(grown, grown_cap * size);
    if (grown == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(items, &grown, sizeof grown);
    *cap = grown_cap;
    return 0;
}
