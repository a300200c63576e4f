/* Which of many points others dominate: what nondominated_ranks() calls rank 0 and the rest, where
 * only this is wanted. Its cost stays low where none dominates another.
 *
 * Kung, Luccio and Preparata (1975), "On finding the maxima of a set of vectors". Pure; any
 * thread. */
#ifndef SERVER_MODEL_NONDOMINATED_MARKS_H
#define SERVER_MODEL_NONDOMINATED_MARKS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* is_dominated[i] ← whether another of n points dominates the i-th; equal points share the answer.
 * cost (m × n, a point is a column) has no NaN, m ≥ 1. O(n log^(m−1) n) for m > 1, O(m n) memory.
 * ERR_NOMEM. */
MUST_USE int nondominated_marks(size_t n, size_t m, const double cost[], bool is_dominated[],
                                struct err *err);

#endif
