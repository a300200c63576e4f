/* A configuration as overrides on the command line of a Hydra program: lr=0.1 model.name='x'.
 *
 * Written for the grammar of Hydra 1.1 and later: numbers, booleans and null as they are, texts in
 * single quotes, so that none is taken for a number, a sweep, an interpolation or a resolver.
 * Keeps nothing; any thread. */
#ifndef COMMON_HYDRA_H
#define COMMON_HYDRA_H

#include <jansson.h>

#include "common/buf.h"

/* Appends the members of an object, with spaces between them. ERR_INVALID: a name that cannot be a
 * key there; names with dots reach into a configuration, which is what they are for. */
MUST_USE int hydra_append(struct buf *out, const json_t *parameters, struct err *err);

#endif
