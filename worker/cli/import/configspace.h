/* A space that ConfigSpace has written as JSON: format versions 0.2 to 0.4, and 1.x. */
#ifndef WORKER_CLI_IMPORT_CONFIGSPACE_H
#define WORKER_CLI_IMPORT_CONFIGSPACE_H

#include <stdbool.h>

#include "worker/cli/import/import.h"

bool configspace_is(struct node root);
MUST_USE int configspace_read(struct import *import, struct node root, struct err *err);

/* `when` of the study's parameters, which are all there. */
MUST_USE int configspace_read_conditions(struct import *import, struct node conditions,
                                         struct err *err);
/* The study's constraints. */
MUST_USE int configspace_read_forbiddens(struct import *import, struct node forbiddens,
                                         struct err *err);

#endif
