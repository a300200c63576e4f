#include "deploy/examples/digits/mlp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 8, LANES = 8 };

/* Layer l maps sizes[l] values to sizes[l + 1]; its weights are a row of sizes[l + 1] for each
 * input, and the row of biases after them. */
struct mlp {
    struct mlp_config config;
    int n_layers; /* hidden ones and the output */
    size_t sizes[MAX_LAYERS + 2];
    size_t n_params;
    float *state;                  /* owned: params, then velocity */
    float *params;                 /* in state */
    float *velocity;               /* in state */
    float *gradient;               /* owned */
    float *values[MAX_LAYERS + 2]; /* owned but for [0], the image: what each layer gives */
    float *errors[MAX_LAYERS + 2]; /* owned: derivative of the loss by the input of each unit */
};

/* splitmix64 (Steele, Lea & Flood 2014): a small generator, seeded anew for every epoch so that
 * nothing about chance has to be kept in a checkpoint. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t stream(uint64_t seed, int epoch)
{
    uint64_t state = seed;

    return next_random(&state) + (uint64_t)epoch * 0xd1342543de82ef95u;
}

static float uniform(uint64_t *state)
{
    return (float)(next_random(state) >> 40) * 0x1p-24F;
}

static size_t layer_params(const struct mlp *mlp, int layer)
{
    return (mlp->sizes[layer] + 1) * mlp->sizes[layer + 1];
}

static void draw_weights(struct mlp *mlp)
{
    uint64_t chance = stream(mlp->config.seed, 0);
    float *weight = mlp->params;

    for (int layer = 0; layer < mlp->n_layers; layer++) {
        size_t n = mlp->sizes[layer] * mlp->sizes[layer + 1];
        float bound = sqrtf(6.0F / (float)mlp->sizes[layer]);

        for (size_t i = 0; i < n; i++) {
            weight[i] = bound * (2.0F * uniform(&chance) - 1.0F);
        }
        weight += layer_params(mlp, layer);
    }
}

static int allocate(struct mlp *mlp)
{
    mlp->state = calloc(2 * mlp->n_params, sizeof *mlp->state);
    mlp->gradient = calloc(mlp->n_params, sizeof *mlp->gradient);
    if (mlp->state == NULL || mlp->gradient == NULL) {
        return -1;
    }
    mlp->params = mlp->state;
    mlp->velocity = mlp->state + mlp->n_params;
    for (int layer = 1; layer <= mlp->n_layers; layer++) {
        mlp->values[layer] = calloc(mlp->sizes[layer], sizeof *mlp->values[layer]);
        mlp->errors[layer] = calloc(mlp->sizes[layer], sizeof *mlp->errors[layer]);
        if (mlp->values[layer] == NULL || mlp->errors[layer] == NULL) {
            return -1;
        }
    }
    return 0;
}

struct mlp *mlp_create(const struct mlp_config *config)
{
    struct mlp *mlp = calloc(1, sizeof *mlp);

    if (mlp == NULL) {
        return NULL;
    }
    mlp->config = *config;
    mlp->n_layers = config->layers + 1;
    mlp->sizes[0] = N_PIXELS;
    for (int layer = 1; layer <= config->layers; layer++) {
        mlp->sizes[layer] = (size_t)config->units;
    }
    mlp->sizes[mlp->n_layers] = N_CLASSES;
    for (int layer = 0; layer < mlp->n_layers; layer++) {
        mlp->n_params += layer_params(mlp, layer);
    }
    if (allocate(mlp) != 0) {
        mlp_destroy(mlp);
        return NULL;
    }
    draw_weights(mlp);
    return mlp;
}

void mlp_destroy(struct mlp *mlp)
{
    if (mlp == NULL) {
        return;
    }
    for (int layer = 1; layer <= mlp->n_layers; layer++) {
        free(mlp->values[layer]);
        free(mlp->errors[layer]);
    }
    free(mlp->gradient);
    free(mlp->state);
    free(mlp);
}

float *mlp_state(struct mlp *mlp, size_t *n_floats)
{
    *n_floats = 2 * mlp->n_params;
    return mlp->state;
}

/* y += a x */
static void add_scaled(size_t n, float a, const float *restrict x, float *restrict y)
{
    for (size_t i = 0; i < n; i++) {
        y[i] += a * x[i];
    }
}

/* Sums in LANES fixed partial sums, which the compiler may keep in one vector. */
static float dot(size_t n, const float *x, const float *y)
{
    float lanes[LANES] = {0};
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) {
            lanes[lane] += x[i + lane] * y[i + lane];
        }
    }
    for (; i < n; i++) {
        lanes[0] += x[i] * y[i];
    }
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
           + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/* Rectifies a hidden layer; turns the output into probabilities. */
static void activate(struct mlp *mlp, int layer)
{
    float *values = mlp->values[layer];
    size_t n = mlp->sizes[layer];
    float largest = values[0];
    float sum = 0.0F;

    if (layer < mlp->n_layers) {
        for (size_t i = 0; i < n; i++) {
            values[i] = values[i] < 0.0F ? 0.0F : values[i];
        }
        return;
    }
    for (size_t i = 1; i < n; i++) {
        largest = values[i] > largest ? values[i] : largest;
    }
    for (size_t i = 0; i < n; i++) {
        values[i] = expf(values[i] - largest);
        sum += values[i];
    }
    for (size_t i = 0; i < n; i++) {
        values[i] /= sum;
    }
}

/* From an image to the probabilities of the digits, values[n_layers]. */
static const float *forward(struct mlp *mlp, const float *pixels)
{
    const float *weights = mlp->params;
    const float *in = pixels;

    for (int layer = 1; layer <= mlp->n_layers; layer++) {
        size_t n_in = mlp->sizes[layer - 1];
        size_t n_out = mlp->sizes[layer];
        float *out = mlp->values[layer];

        memcpy(out, weights + n_in * n_out, n_out * sizeof *out);
        for (size_t i = 0; i < n_in; i++) {
            if (in[i] != 0.0F) { /* half of the pixels, and units at rest, say nothing */
                add_scaled(n_out, in[i], weights + i * n_out, out);
            }
        }
        activate(mlp, layer);
        in = out;
        weights += (n_in + 1) * n_out;
    }
    return in;
}

/* Adds one image's gradient, after forward() of the same image. */
static void backward(struct mlp *mlp, const struct image *image)
{
    size_t offset = mlp->n_params;
    float *output_error = mlp->errors[mlp->n_layers];

    memcpy(output_error, mlp->values[mlp->n_layers], N_CLASSES * sizeof *output_error);
    output_error[image->digit] -= 1.0F;
    for (int layer = mlp->n_layers; layer >= 1; layer--) {
        size_t n_in = mlp->sizes[layer - 1];
        size_t n_out = mlp->sizes[layer];
        const float *in = layer == 1 ? image->pixels : mlp->values[layer - 1];
        const float *error = mlp->errors[layer];
        float *in_error = mlp->errors[layer - 1]; /* NULL for the image itself */

        offset -= (n_in + 1) * n_out;
        add_scaled(n_out, 1.0F, error, mlp->gradient + offset + n_in * n_out);
        for (size_t i = 0; i < n_in; i++) {
            if (in[i] != 0.0F) {
                add_scaled(n_out, in[i], error, mlp->gradient + offset + i * n_out);
            }
            if (in_error != NULL) { /* a unit at rest passes nothing on */
                in_error[i] =
                    in[i] > 0.0F ? dot(n_out, mlp->params + offset + i * n_out, error) : 0.0F;
            }
        }
    }
}

/* One step of gradient descent with the mean of n_images gradients. */
static void descend(struct mlp *mlp, size_t n_images)
{
    const struct mlp_config *config = &mlp->config;
    float mean = 1.0F / (float)n_images;
    size_t start = 0;

    for (int layer = 0; layer < mlp->n_layers; layer++) {
        size_t n_weights = mlp->sizes[layer] * mlp->sizes[layer + 1];
        size_t n = layer_params(mlp, layer);

        for (size_t i = start; i < start + n; i++) {
            float decay = i < start + n_weights ? config->weight_decay * mlp->params[i] : 0.0F;

            mlp->velocity[i] = config->momentum * mlp->velocity[i]
                               - config->lr * (mean * mlp->gradient[i] + decay);
            mlp->params[i] += mlp->velocity[i];
            mlp->gradient[i] = 0.0F;
        }
        start += n;
    }
}

/* The images of an epoch in a random order (Fisher & Yates). */
static void shuffle(size_t n, size_t order[], uint64_t chance)
{
    for (size_t i = 0; i < n; i++) {
        order[i] = i;
    }
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = (size_t)(next_random(&chance) % (i + 1));
        size_t swapped = order[i];

        order[i] = order[j];
        order[j] = swapped;
    }
}

void mlp_train_epoch(struct mlp *mlp, const struct data *data, int epoch, size_t order[])
{
    size_t batch = (size_t)mlp->config.batch;
    size_t in_batch = 0;

    shuffle(data->n_train, order, stream(mlp->config.seed, epoch));
    for (size_t i = 0; i < data->n_train; i++) {
        const struct image *image = &data->images[order[i]];

        (void)forward(mlp, image->pixels);
        backward(mlp, image);
        if (++in_batch == batch || i + 1 == data->n_train) {
            descend(mlp, in_batch);
            in_batch = 0;
        }
    }
}

struct score mlp_validate(struct mlp *mlp, const struct data *data)
{
    size_t n = data->n_images - data->n_train;
    size_t right = 0;
    double loss = 0.0;

    for (size_t i = data->n_train; i < data->n_images; i++) {
        const float *chances = forward(mlp, data->images[i].pixels);
        double chance = (double)chances[data->images[i].digit];
        int guess = 0;

        for (int digit = 1; digit < N_CLASSES; digit++) {
            guess = chances[digit] > chances[guess] ? digit : guess;
        }
        right += guess == data->images[i].digit;
        loss -= log(chance < 1e-30 ? 1e-30 : chance); /* not a number stays not a number */
    }
    return (struct score){.accuracy = (double)right / (double)n, .loss = loss / (double)n};
}
