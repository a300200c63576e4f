/* Numbers as programs of many languages print them, read without a locale. */
#ifndef WORKER_REPORT_NUMBER_H
#define WORKER_REPORT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes of the longest number at the beginning of the text, and its value; 0: none begins here.
 * Decimal digits with a point and an exponent, or one of nan, inf, infinity, the sign for infinity,
 * nan(ind) and 1.#INF, all with or without a sign. What follows is the caller's to judge: of "0x10"
 * the number is "0". */
size_t number_span(const char *text, size_t len, double *value);

/* True when the whole text is one number. */
bool number_read(const char *text, size_t len, double *value);

#endif
