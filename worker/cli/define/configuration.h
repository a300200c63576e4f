/* One configuration as people write it: lr=0.1,units=32, or a JSON object. */
#ifndef WORKER_CLI_DEFINE_CONFIGURATION_H
#define WORKER_CLI_DEFINE_CONFIGURATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Adds NAME=VALUE, the first `len` bytes of the text; false: it is no such text, or the name has a
 * value. */
bool configuration_add(json_t *values, const char *text, size_t len);

/* Returns an object of values by name, NULL: it is neither of the two forms. */
json_t *configuration_read(const char *text);

#endif
