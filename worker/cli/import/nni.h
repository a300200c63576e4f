/* An experiment of NNI (versions 1 and 2 of its configuration), or a search space alone. */
#ifndef WORKER_CLI_IMPORT_NNI_H
#define WORKER_CLI_IMPORT_NNI_H

#include <stdbool.h>

#include "worker/cli/import/import.h"

bool nni_is(struct node root);
MUST_USE int nni_read(struct import *import, struct node root, struct err *err);

/* Does it hold {"_type": …, "_value": …} for each name? */
bool nni_is_space(struct node space);
MUST_USE int nni_read_space(struct import *import, struct node space, struct err *err);

#endif
