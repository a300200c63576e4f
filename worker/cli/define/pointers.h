/* Where a server points into a definition ("/limits/trials"), as the options that people typed
 * ("--trials"). */
#ifndef WORKER_CLI_DEFINE_POINTERS_H
#define WORKER_CLI_DEFINE_POINTERS_H

#include <jansson.h>

#include "common/err.h"
#include "worker/cli/define/definition.h"

/* Replaces the pointers in the error's text. Those of a file stay, unless an option said the
 * member. `body` is the definition that was sent. */
void pointers_to_options(const struct definition *definition, const json_t *body, struct err *err);

#endif
