/* An exponential that compiles to vector code inside loops. */
#ifndef SERVER_MODEL_EXP_H
#define SERVER_MODEL_EXP_H

#include <stdint.h>
#include <string.h>

/* Declares a function that is inlined into every caller, so that a caller compiled for a wider
 * machine (`target("avx2")`) gets wider code: the same operations in the same order, equal digits.
 */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* e^−s for s ≥ −700, accurate to the last bit but one, without branches or calls: 2^k e^r with
 * |r| ≤ ½ ln 2 and the Taylor series of e^r. For s > 700: e^−700. */
ALWAYS_INLINE double exp_minus(double s)
{
    static const double shift = 0x1.8p52; /* adding it rounds to an integer in the low bits */
    static const double log2_e = 1.4426950408889634074;
    static const double ln2_high = 0x1.62e42fefa0000p-1;
    static const double ln2_low = 0x1.cf79abc9e3b3ap-40;
    double x = s < 700.0 ? -s : -700.0;
    double shifted = x * log2_e + shift;
    double k = shifted - shift;
    double r = (x - k * ln2_high) - k * ln2_low;
    double p = 1.0 / 6227020800.0;
    int64_t bits;

    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (int64_t)((uint64_t)bits
                     << 52); /* k moves to the exponent; the bits of the shift drop out */
    int64_t scaled;
    memcpy(&scaled, &p, sizeof scaled);
    scaled = (int64_t)((uint64_t)scaled + (uint64_t)bits);
    memcpy(&p, &scaled, sizeof p);
    return p;
}

#endif
