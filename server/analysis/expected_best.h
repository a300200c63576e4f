/* The expected best of n trials, had they been drawn at random from those of a study.
 *
 * Of N observed values, ordered from the worst to the best as v(1) … v(N), n are drawn with
 * replacement. The best of them is at most v(i) with probability (i / N)^n, so that
 *
 *     E[best of n] = Σ_i v(i) ((i / N)^n - ((i - 1) / N)^n)
 *
 * Dodge, Gururangan, Card, Schwartz & Smith, Show Your Work: Improved Reporting of Experimental
 * Results, EMNLP 2019, section 3. The estimate is biased towards worse values where n is near N,
 * and is meant for values of a random search; those of a search that learns are no such sample. */
#ifndef SERVER_ANALYSIS_EXPECTED_BEST_H
#define SERVER_ANALYSIS_EXPECTED_BEST_H

#include <stddef.h>

#include "server/domain/study.h"

/* Orders the values, which are finite, from the worst to the best. O(n log n). */
void expected_best_sort(size_t n, double values[], enum direction direction);
/* The expected best of `draws` (at least 1) of the n values, which are in that order. NaN without
 * values. O(n). */
double expected_best(size_t n, const double values[], size_t draws);

#endif
