/* Plain scalars and the values they mean, by the core schema of YAML 1.2: 1e-5 is a number
 * (YAML 1.1 readers make it a string and ruin learning rates), `yes` and `no` are strings, 0o17 is
 * octal. */
#ifndef WORKER_CLI_DEFINE_SCALAR_H
#define WORKER_CLI_DEFINE_SCALAR_H

#include <jansson.h>
#include <stddef.h>

/* The number that the whole text spells, as a new integer, real or big number (common/json.h); NULL
 * if it spells none. Decimal only: what a person types on a command line. */
json_t *scalar_number(const char *text);

/* The value of a plain scalar, always something: null, boolean, number, or the text as a string;
 * .inf and .nan become the strings "Infinity" and "NaN" that the API uses. NULL: out of memory or
 * not UTF-8. */
json_t *scalar_value(const char *text);

#endif
