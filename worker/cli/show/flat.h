/* A JSON object as names and values, to compare two of them: "limits.trials" is 40,
 * "parameters.lr.high" is 0.1. Pure. */
#ifndef WORKER_CLI_SHOW_FLAT_H
#define WORKER_CLI_SHOW_FLAT_H

#include <jansson.h>

/* Returns a flat object, owned by the caller, of the members of `object` but those that `left_out`
 * names (NULL-terminated). The items of a list of objects go by their name or metric; any other
 * list is one value. NULL: out of memory. */
json_t *flat_object(const json_t *object, const char *const *left_out);

#endif
