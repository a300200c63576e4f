/* Looking into an answer of the API that may lack what is looked for. Any thread. */
#ifndef COMMON_JSON_AT_H
#define COMMON_JSON_AT_H

#include <jansson.h>
#include <stdint.h>

#include "common/json.h"

const char *text_at(const json_t *object, const char *key); /* "" when missing */
/* `missing` also for what lies beyond 2^53 either way, which no answer of a Hone server holds: sums
 * and differences of a few do not overflow. */
int64_t int_at(const json_t *object, const char *key, int64_t missing);
double number_at(const json_t *object, const char *key); /* NaN when missing */
/* The number in its shortest form, such as a step's; `missing` where there is none. */
const char *number_text_at(const json_t *object, const char *key, const char *missing,
                           char text[JSON_NUMBER_BYTES]);

#endif
