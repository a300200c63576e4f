#include "tests/support/heap.h"

#include <dirent.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

size_t
__sanitizer_get_current_allocated_bytes(void); /* of the sanitizer, which has no header here */

const size_t heap_noise = (size_t)4 << 10; /* translations of messages */
const bool heap_is_exact = true;

void heap_watch(void)
{
}

size_t heap_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes();
}

#else

#include <malloc.h>

const size_t heap_noise = (size_t)512 << 10; /* freed blocks that wait for their next use */
const bool heap_is_exact = false;

void heap_watch(void)
{
    (void)mallopt(M_ARENA_MAX, 1); /* mallinfo2() covers one arena only */
}

size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

#endif

size_t descriptors_open(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");

    if (dir == NULL) {
        abort();
    }
    while (readdir(dir) != NULL) {
        n++;
    }
    (void)closedir(dir);
    return n;
}
