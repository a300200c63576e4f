/* Checkpoints: one file epoch-N in a directory for the state after epoch N, so that a trial whose
 * last attempt was lost half-way still finds the state from which that attempt had begun. */
#ifndef DIGITS_CHECKPOINT_H
#define DIGITS_CHECKPOINT_H

#include "deploy/examples/digits/mlp.h"

/* Writes the state after `epoch`, whole or not at all, and removes those before `oldest`, the epoch
 * that this run began from. -1: said why on stderr. */
int checkpoint_save(const char *dir, int epoch, int oldest, const struct mlp_config *config,
                    struct mlp *mlp);

/* Reads the state after `epoch` into the network. 1: there is none. -1: it cannot be read, or was
 * made by another configuration, and stderr says so. */
int checkpoint_load(const char *dir, int epoch, const struct mlp_config *config, struct mlp *mlp);

#endif
