/* A multilayer perceptron: 64 inputs, `layers` hidden layers of `units` rectified linear units, 10
 * outputs with softmax, trained on the cross entropy by stochastic gradient descent in mini-batches
 * with momentum and weight decay. Everything is single precision, one thread, and in a fixed order:
 * the same configuration, seed and number of epochs give the same weights to the last bit, however
 * often training was interrupted. */
#ifndef DIGITS_MLP_H
#define DIGITS_MLP_H

#include "deploy/examples/digits/data.h"

#include <stdint.h>

struct mlp_config {
    int units;
    int layers;
    int batch;
    float lr;
    float momentum;
    float weight_decay; /* of the weights, not of the biases */
    uint64_t seed;
};

struct score {
    double accuracy; /* share of the images named rightly, 0 to 1 */
    double loss;     /* mean cross entropy, in nats */
};

struct mlp;

/* A network with He's uniform initial weights (He et al. 2015), drawn from the seed. NULL: no
 * memory. */
struct mlp *mlp_create(const struct mlp_config *config);
void mlp_destroy(struct mlp *mlp);

/* One pass over the training images, in an order drawn from the seed and the epoch (1, 2, …).
 * `order` is scratch for n_train numbers. */
void mlp_train_epoch(struct mlp *mlp, const struct data *data, int epoch, size_t order[]);
struct score mlp_validate(struct mlp *mlp, const struct data *data);

/* All that training changes, as one array, for a checkpoint. */
float *mlp_state(struct mlp *mlp, size_t *n_floats);

#endif
