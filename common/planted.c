#include "common/planted.h"

#include <stdlib.h>

bool planted_is(enum planted_bug bug)
{
    static int chosen = -1; /* every thread finds the same */

    if (__atomic_load_n(&chosen, __ATOMIC_RELAXED) < 0) {
        const char *text = getenv("HONE_PLANTED");
        __atomic_store_n(&chosen, text == NULL ? 0 : (int)strtol(text, NULL, 10), __ATOMIC_RELAXED);
    }
    return __atomic_load_n(&chosen, __ATOMIC_RELAXED) == (int)bug;
}
