#include "server/strategy/sobol/sobol.h"

#include <stdbool.h>

#include "common/rng.h"
#include "server/strategy/sobol/sobol_table.h"

#define BITS 64

/* v_k = m_k / 2^k as a binary fraction, the highest bit first; k from 0, `n` of them.
 * m_k = 2 a_1 m_{k-1} ^ 4 a_2 m_{k-2} ^ … ^ 2^s m_{k-s} ^ m_{k-s}. */
static void directions(size_t dim, int n, uint64_t v[BITS])
{
    if (dim == 0) {
        for (int k = 0; k < n; k++) {
            v[k] = UINT64_C(1) << (63 - k);
        }
        return;
    }
    const struct sobol_row *row = &sobol_table[dim - 1];
    int s = row->s;
    for (int k = 0; k < n; k++) {
        if (k < s) {
            v[k] = (uint64_t)row->m[k] << (63 - k);
            continue;
        }
        v[k] = v[k - s] ^ (v[k - s] >> s);
        for (int i = 1; i < s; i++) {
            v[k] ^= (row->a >> (s - 1 - i)) & 1 ? v[k - i] : 0;
        }
    }
}

/* Each output bit is the parity of the bits above it that its random row selects, and of itself. */
static uint64_t scramble(uint64_t bits, uint64_t dim_key)
{
    uint64_t out = 0;

    for (int i = 0; i < 53; i++) { /* the digits of a double */
        uint64_t own = UINT64_C(1) << (63 - i);
        uint64_t above = ~(own | (own - 1));
        uint64_t row = (splitmix64(dim_key + (uint64_t)i) & above) | own;
        out |= (uint64_t)__builtin_parityll(row & bits) << (63 - i);
    }
    return out;
}

static uint64_t dim_key(uint64_t key, size_t dim)
{
    return splitmix64(splitmix64(key) + dim);
}

static uint64_t dim_shift(uint64_t key, size_t dim)
{
    return splitmix64(dim_key(key, dim) + BITS);
}

static double to_unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1.0p-53;
}

void sobol_point(size_t dims, uint64_t index, uint64_t key, double out[])
{
    uint64_t gray = index ^ (index >> 1);
    int n = gray == 0 ? 0 : BITS - __builtin_clzll(gray);

    for (size_t dim = 0; dim < dims; dim++) {
        uint64_t v[BITS];
        uint64_t bits = 0;
        directions(dim, n, v);
        for (int k = 0; k < n; k++) {
            bits ^= (gray >> k) & 1 ? v[k] : 0;
        }
        if (key != 0) {
            bits = scramble(bits, dim_key(key, dim)) ^ dim_shift(key, dim);
        }
        out[dim] = to_unit(bits);
    }
}
