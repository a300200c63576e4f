/* One body of a loop, compiled for several widths of vector registers. */
#ifndef SERVER_MODEL_VECTORISED_H
#define SERVER_MODEL_VECTORISED_H

#include "common/processor.h"
#include "server/model/exp.h" /* ALWAYS_INLINE */

/* Defines `static void name(parameters)`, which runs name_body(arguments), an ALWAYS_INLINE
 * function, with the widest registers that the processor has. These do the same operations in the
 * same order, more of them at a time, so that the digits are equal. */
#if defined(__x86_64__)
#if defined(__clang__)
#define TARGET_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl"), min_vector_width(512)))
#else
#define TARGET_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#define VECTORISED(name, parameters, arguments)                                                    \
    __attribute__((target("avx2"))) static void name##_avx2 parameters                             \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }                                                                                              \
    TARGET_AVX512 static void name##_avx512 parameters                                             \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }                                                                                              \
    static void name parameters                                                                    \
    {                                                                                              \
        if (processor_has_avx512()) {                                                              \
            name##_avx512 arguments;                                                               \
        } else if (processor_has_avx2()) {                                                         \
            name##_avx2 arguments;                                                                 \
        } else {                                                                                   \
            name##_body arguments;                                                                 \
        }                                                                                          \
    }
#else
#define VECTORISED(name, parameters, arguments)                                                    \
    static void name parameters                                                                    \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }
#endif

#endif
