#include "server/schedule/exact.h"

#include <assert.h>
#include <math.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

static void push(struct exact *x, uint64_t limb)
{
    if (limb != 0) {
        assert(x->n < EXACT_LIMBS);
        x->limbs[x->n++] = limb;
    }
}

void exact_set(struct exact *x, uint64_t value)
{
    x->n = 0;
    push(x, value);
}

void exact_multiply(struct exact *x, uint64_t factor)
{
    uint64_t carry = 0;

    if (factor == 0) {
        x->n = 0;
    }
    for (size_t i = 0; i < x->n; i++) {
        wide product = (wide)x->limbs[i] * factor + carry;
        x->limbs[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    push(x, carry);
}

void exact_multiply_power(struct exact *x, uint64_t base, int exponent)
{
    while (exponent-- > 0) {
        exact_multiply(x, base);
    }
}

void exact_add(struct exact *x, const struct exact *y)
{
    uint64_t carry = 0;

    while (x->n < y->n) {
        x->limbs[x->n++] = 0;
    }
    for (size_t i = 0; i < x->n; i++) {
        wide sum = (wide)x->limbs[i] + (i < y->n ? y->limbs[i] : 0) + carry;
        x->limbs[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
    push(x, carry);
}

int exact_compare(const struct exact *x, const struct exact *y)
{
    if (x->n != y->n) {
        return x->n < y->n ? -1 : 1;
    }
    for (size_t i = x->n; i-- > 0;) {
        if (x->limbs[i] != y->limbs[i]) {
            return x->limbs[i] < y->limbs[i] ? -1 : 1;
        }
    }
    return 0;
}

/* About x / 2^(64 n), from its two highest limbs. */
static double leading(const struct exact *x)
{
    double high = x->n > 0 ? (double)x->limbs[x->n - 1] : 0.0;
    double low = x->n > 1 ? (double)x->limbs[x->n - 2] : 0.0;

    return ldexp(high, -64) + ldexp(low, -128);
}

/* Compares a with b · quotient. */
static int compare_product(const struct exact *a, const struct exact *b, int64_t quotient)
{
    struct exact product;

    product.n = b->n;
    memcpy(product.limbs, b->limbs, b->n * sizeof b->limbs[0]);
    exact_multiply(&product, (uint64_t)quotient);
    return exact_compare(a, &product);
}

int64_t exact_divide(const struct exact *a, const struct exact *b, bool *has_rest)
{
    int shift = 64 * ((int)a->n - (int)b->n);
    int64_t quotient = (int64_t)ldexp(leading(a) / leading(b), shift);

    while (compare_product(a, b, quotient) < 0) { /* only the last bits of the estimate are off */
        quotient--;
    }
    while (compare_product(a, b, quotient + 1) >= 0) {
        quotient++;
    }
    *has_rest = compare_product(a, b, quotient) != 0;
    return quotient;
}
