#include "common/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdatomic.h>

/* Parts of XCR0: the registers that the kernel saves. */
enum { YMM_STATE = 0x06, ZMM_STATE = 0xe6 };

enum { KNOWN = 1, AVX2 = 2, AVX512 = 4 };

static bool kernel_saves(unsigned state)
{
    unsigned low = 0;
    unsigned high = 0;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & state) == state;
}

static int ask(void)
{
    const unsigned avx512 = bit_AVX512F | bit_AVX512DQ | bit_AVX512VL;
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;

    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0 || !kernel_saves(YMM_STATE)
        || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & bit_AVX2) == 0) {
        return KNOWN;
    }
    return KNOWN | AVX2 | ((b & avx512) == avx512 && kernel_saves(ZMM_STATE) ? AVX512 : 0);
}

static bool has(int what)
{
    static atomic_int known; /* 0: not asked yet */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);

    if (answer == 0) {
        answer = ask();
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return (answer & what) != 0;
}

bool processor_has_avx2(void)
{
    return has(AVX2);
}

bool processor_has_avx512(void)
{
    return has(AVX512);
}
#else
bool processor_has_avx2(void)
{
    return false;
}

bool processor_has_avx512(void)
{
    return false;
}
#endif
