#include "common/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdatomic.h>

enum { YMM_STATE = 6 }; /* of XCR0: the lower and the upper halves are saved */

static bool kernel_saves_ymm(void)
{
    unsigned low = 0;
    unsigned high = 0;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & YMM_STATE) == YMM_STATE;
}

static bool ask(void)
{
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;

    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0 || !kernel_saves_ymm()) {
        return false;
    }
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_AVX2) != 0;
}

bool processor_has_avx2(void)
{
    static atomic_int known; /* 0: not asked yet, 1: no, 2: yes */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);

    if (answer == 0) {
        answer = ask() ? 2 : 1;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == 2;
}
#else
bool processor_has_avx2(void)
{
    return false;
}
#endif
