/* The Sobol sequence with Joe and Kuo's direction numbers, in Gray-code order.
 *
 * Any 2^k points from a multiple of 2^k on fill the cube evenly: each interval of width 2^-k of
 * each axis holds one. Scrambling (a random lower triangular matrix over the bits and a random
 * shift, Matousek 1998) keeps that and takes away the point at the origin; it is a function of the
 * key alone. Pure functions, no allocation but sobol_create()'s. */
#ifndef SERVER_STRATEGY_SOBOL_SOBOL_H
#define SERVER_STRATEGY_SOBOL_SOBOL_H

#include <stddef.h>
#include <stdint.h>

#include "common/own.h"
#include "server/domain/study.h"

#define SOBOL_DIMS_MAX 256 /* SPACE_PARAMS_MAX */

/* Point `index` (0, 1, …) of the sequence in `dims` dimensions, each coordinate in [0, 1). `key` 0:
 * not scrambled. About 0.3 µs a coordinate. */
void sobol_point(size_t dims, uint64_t index, uint64_t key, double out[]);

/* The same points at some ten nanoseconds a coordinate, for drawing thousands: the scrambled
 * direction numbers are kept (512 bytes a dimension). NULL without memory. */
struct sobol;
struct sobol *sobol_create(size_t dims, uint64_t key);
void sobol_destroy(struct sobol *sobol);
OWN_POINTER(sobol)
void sobol_at(const struct sobol *sobol, uint64_t index, double out[]);

/* The legal quasi-random configuration of an ordinal: what `quasirandom` suggests, what initial
 * designs are made of, and the answer when a model has not finished thinking in time.
 * Constants take no dimension, inactive parameters do. Where constraints forbid the point, the same
 * index under further scrambles is tried, and in the end the ordinal's own random stream. */
MUST_USE int strategy_quasi_random(const struct study_def *study, uint64_t ordinal, double x[],
                                   struct err *err);

#endif
