/* Integers that come from outside, and arithmetic on them.
 *
 * What a client sends may lie at either end of its type. Text becomes an integer here, within
 * bounds that the caller names; sums and conversions stop at the end of the type instead of
 * overflowing. Nothing here allocates; safe from any thread. */
#ifndef COMMON_INTEGER_H
#define COMMON_INTEGER_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the decimal digits at *at, with a '-' before them if negative, and moves *at behind them.
 * False, with nothing changed: no digit is there, or the number is not within low..high. */
bool integer_read(const char **at, int64_t low, int64_t high, int64_t *value);
/* The same where nothing may follow. */
bool integer_from_text(const char *text, int64_t low, int64_t high, int64_t *value);

/* a + b, or the end of the type that the sum lies beyond. */
int64_t integer_add(int64_t a, int64_t b);
/* x rounded towards 0, or the end of the type that it lies beyond; NaN gives 0. */
int64_t integer_from_real(double x);

#endif
