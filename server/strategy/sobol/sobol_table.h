/* Direction numbers of the Sobol sequence (sobol.h), dimension 2 first. */
#ifndef SERVER_STRATEGY_SOBOL_SOBOL_TABLE_H
#define SERVER_STRATEGY_SOBOL_SOBOL_TABLE_H

#include <stdint.h>

#define SOBOL_DIMS_MAX 256
#define SOBOL_DEGREE_MAX 11

struct sobol_row {
    uint8_t s;  /* degree of the primitive polynomial */
    uint16_t a; /* its coefficients between the first and the last */
    uint16_t m[SOBOL_DEGREE_MAX];
};

extern const struct sobol_row sobol_table[SOBOL_DIMS_MAX - 1];

#endif
