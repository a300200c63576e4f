/* The normal distribution: probability and its inverse, to nearly the last digit. */
#ifndef COMMON_NORMAL_H
#define COMMON_NORMAL_H

/* P(Z <= z); exact far into the lower tail (z = -37 gives 5.7e-300). */
double normal_cdf(double z);

/* The z with P(Z <= z) = p; -inf at 0, inf at 1, NaN outside. About 1e-16 relative.
 * Wichura, Algorithm AS 241: the percentage points of the normal distribution, Applied Statistics
 * 37 (1988) 477-484, routine PPND16. */
double normal_quantile(double p);

#endif
