/* Parameters as overrides of Hydra's command line: name=value in its grammar, so that it reads back
 * the same value: https://hydra.cc/docs/advanced/override_grammar/basic/ . Pure. */
#ifndef WORKER_AGENT_OVERRIDES_H
#define WORKER_AGENT_OVERRIDES_H

#include <jansson.h>

#include "common/buf.h"
#include "common/err.h"

/* ERR_INVALID: Hydra cannot take a parameter of this name. */
MUST_USE int override_check_name(const char *name, struct err *err);

/* Appends name=value. ERR_INVALID: Hydra's grammar has no way to say it. */
MUST_USE int override_append(const char *name, const json_t *value, struct buf *out,
                             struct err *err);

#endif
