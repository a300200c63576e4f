/* What the processor can do, asked of it once. The compilers' own question (__builtin_cpu_supports)
 * needs a library that musl's compiler does not have. */
#ifndef COMMON_PROCESSOR_H
#define COMMON_PROCESSOR_H

#include <stdbool.h>

/* AVX2, and AVX-512 (its parts F, DQ and VL), each with a kernel that saves the registers; false on
 * other architectures. Safe from any thread. */
bool processor_has_avx2(void);
bool processor_has_avx512(void);

#endif
