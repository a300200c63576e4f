/* Ownership that the compiler sees to: `OWN(buf) struct buf text = …;` calls buf_drop(&text) on
 * every way out, in reverse order of declaration. A module offers its `kind_drop` beside `destroy`
 * or `finish`, mostly through one of the two macros below. For JSON, use jansson's json_auto_t. */
#ifndef COMMON_OWN_H
#define COMMON_OWN_H

#include <stdlib.h>
#include <unistd.h>

#define OWN(kind) __attribute__((cleanup(kind##_drop)))

/* struct KIND * released by KIND_destroy(). */
#define OWN_POINTER(kind)                                                                          \
    static inline void kind##_drop(struct kind **owned)                                            \
    {                                                                                              \
        kind##_destroy(*owned);                                                                    \
    }

/* struct KIND in place, released by KIND_finish(). */
#define OWN_VALUE(kind)                                                                            \
    static inline void kind##_drop(struct kind *owned)                                             \
    {                                                                                              \
        kind##_finish(owned);                                                                      \
    }

/* OWN(memory) char *text = …; for anything free() releases. */
static inline void memory_drop(void *owned)
{
    free(*(void **)owned);
}

/* OWN(fd) int fd = -1; */
static inline void fd_drop(const int *owned)
{
    if (*owned >= 0) {
        (void)close(*owned);
    }
}

#endif
