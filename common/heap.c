#include "common/heap.h"

#ifdef HAVE_MIMALLOC
/* Of mimalloc.h, which Debian's build has no need of. */
void mi_process_info(size_t *elapsed_ms, size_t *user_ms, size_t *system_ms, size_t *current_rss,
                     size_t *peak_rss, size_t *current_commit, size_t *peak_commit,
                     size_t *page_faults);

size_t heap_allocated_bytes(void)
{
    size_t commit = 0;

    mi_process_info(NULL, NULL, NULL, NULL, NULL, &commit, NULL, NULL);
    return commit;
}
#else
#include <malloc.h>

size_t heap_allocated_bytes(void)
{
    struct mallinfo2 heap = mallinfo2();

    return heap.uordblks + heap.hblkhd;
}
#endif
