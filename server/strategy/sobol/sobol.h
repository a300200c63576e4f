/* The Sobol sequence with Joe and Kuo's direction numbers, in Gray-code order.
 *
 * Any 2^k consecutive points from a multiple of 2^k on fill the cube evenly: each interval of width
 * 2^-k of each axis contains one. Scrambling (a random lower triangular matrix over the bits and a
 * random shift, Matousek 1998) preserves this and removes the point at the origin; it is a function
 * of the key alone. Pure; allocates nothing. */
#ifndef SERVER_STRATEGY_SOBOL_SOBOL_H
#define SERVER_STRATEGY_SOBOL_SOBOL_H

#include <stddef.h>
#include <stdint.h>

#include "server/strategy/sobol/sobol_table.h"

/* Point `index` (0, 1, …) of the sequence in `dims` dimensions, each coordinate in [0, 1). `key` 0:
 * not scrambled. About 0.3 µs a coordinate. */
void sobol_point(size_t dims, uint64_t index, uint64_t key, double out[]);

#endif
