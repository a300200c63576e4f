/* Whole numbers of any size that the tables of brackets need: powers of eta = p / q are compared as
 * p^k and q^k, without rounding. Plain memory; nothing here allocates. */
#ifndef SERVER_SCHEDULE_EXACT_H
#define SERVER_SCHEDULE_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXACT_LIMBS 128 /* 8,192 bits */

struct exact {
    size_t n; /* limbs in use; the highest is not 0 */
    uint64_t limbs[EXACT_LIMBS];
};

void exact_set(struct exact *x, uint64_t value);
void exact_multiply(struct exact *x, uint64_t factor);
/* x ← x · base^exponent. */
void exact_multiply_power(struct exact *x, uint64_t base, int exponent);
void exact_add(struct exact *x, const struct exact *y);
/* < 0, 0, > 0 as x is below, equal to or above y. */
int exact_compare(const struct exact *x, const struct exact *y);
/* ⌊a / b⌋, which must be below 2^62, for b > 0; *has_rest: it was rounded. */
int64_t exact_divide(const struct exact *a, const struct exact *b, bool *has_rest);

#endif
