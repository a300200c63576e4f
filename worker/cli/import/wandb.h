/* A sweep of Weights & Biases: the YAML that `wandb sweep` takes. */
#ifndef WORKER_CLI_IMPORT_WANDB_H
#define WORKER_CLI_IMPORT_WANDB_H

#include <stdbool.h>

#include "worker/cli/import/import.h"

bool wandb_is(struct node root);
MUST_USE int wandb_read(struct import *import, struct node root, struct err *err);

/* The parameters of a sweep, nested ones by names with dots. */
MUST_USE int wandb_read_parameters(struct import *import, struct node parameters, struct err *err);
/* The command, NULL value: W&B's own. */
MUST_USE int wandb_read_command(struct import *import, struct node command, struct node program,
                                struct err *err);

#endif
