/* Two definitions of one study, side by side: what the server has, and what was asked for. */
#ifndef WORKER_CLI_DEFINE_DIFFERENCE_H
#define WORKER_CLI_DEFINE_DIFFERENCE_H

#include <jansson.h>

#include "common/buf.h"

/* One line a difference, "  limits.trials: 40 there, 80 here", for the fields that `named` (the
 * server's sentence) mentions; what is only written differently (1 and 1.0, a default left out) is
 * none. */
void difference_append(struct buf *out, const json_t *there, const json_t *here, const char *named);

#endif
