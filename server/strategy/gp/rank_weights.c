#include "server/strategy/gp/rank_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"

enum { SAMPLES = 100 };

static const double loss_max = 0.45;   /* .5 is chance */
static const double slope_prior = 2.0; /* a slope of 1, worth so many results */
static const double slope_max = 5.0;

/* Rank losses in one sample: of each source, then of the own model. */
struct rank_losses {
    double of[SOURCES_MAX + 1];
};

/* Pairs of equal results do not count; pairs of equal predictions count half. `counts`: how often
 * each result is in the sample. */
static double rank_loss(const struct rank_data *data, const unsigned counts[],
                        const double prediction[])
{
    double wrong = 0.0;
    double all = 0.0;

    for (size_t i = 0; i < data->n; i++) {
        for (size_t j = 0; j < i && counts[i] > 0; j++) {
            double delta = data->y[i] - data->y[j];
            double predicted = prediction[i] - prediction[j];
            double weight = counts[i] * counts[j];
            weight = delta > 0.0 || delta < 0.0 ? weight : 0.0;
            all += weight;
            wrong += weight * (delta * predicted > 0.0 ? 0.0 : delta * predicted < 0.0 ? 1.0 : 0.5);
        }
    }
    return all > 0.0 ? wrong / all : 0.5;
}

static void measure_losses(const struct rank_data *data, const unsigned counts[],
                           struct rank_losses *out)
{
    for (size_t k = 0; k < data->n_sources; k++) {
        out->of[k] =
            data->of_source[k] == NULL ? (double)NAN : rank_loss(data, counts, data->of_source[k]);
    }
    out->of[data->n_sources] = rank_loss(data, counts, data->own);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The 95th percentile of the own model's losses. */
static double own_bound(size_t own, const struct rank_losses samples[])
{
    double sorted[SAMPLES];

    for (size_t s = 0; s < SAMPLES; s++) {
        sorted[s] = samples[s].of[own];
    }
    qsort(sorted, SAMPLES, sizeof *sorted, by_size);
    return sorted[SAMPLES * 95 / 100];
}

/* Adds one sample to the weights: 1/SAMPLES, divided among the admitted sources of least loss. */
static void add_sample(const bool admitted[], size_t n, const double loss[], double weights[])
{
    double least = INFINITY;
    double winners = 0.0;

    for (size_t k = 0; k < n; k++) {
        least = admitted[k] ? fmin(least, loss[k]) : least;
    }
    for (size_t k = 0; k < n; k++) {
        winners += admitted[k] && loss[k] <= least;
    }
    for (size_t k = 0; k < n; k++) {
        if (admitted[k] && loss[k] <= least) {
            weights[k] += 1.0 / (winners * SAMPLES);
        }
    }
}

/* The share of samples in which an admitted source has no greater loss than the own model. */
static double ensemble_weight(const bool admitted[], size_t n, const struct rank_losses samples[])
{
    double share = 0.0;

    for (size_t s = 0; s < SAMPLES; s++) {
        bool is_beaten = false;
        for (size_t k = 0; k < n; k++) {
            is_beaten = is_beaten || (admitted[k] && samples[s].of[k] <= samples[s].of[n]);
        }
        share += is_beaten ? 1.0 / SAMPLES : 0.0;
    }
    return share;
}

/* The weighted mean of the predictions of the i-th result. */
static double mean_prediction(const struct rank_data *data, const double weights[], size_t i)
{
    double sum = 0.0;

    for (size_t k = 0; k < data->n_sources; k++) {
        sum += weights[k] > 0.0 ? weights[k] * data->of_source[k][i] : 0.0;
    }
    return sum;
}

static double regress(const struct rank_data *data, const double weights[])
{
    double n = (double)data->n;
    double mean_x = 0.0;
    double mean_y = 0.0;
    double xx = 0.0;
    double xy = 0.0;

    for (size_t i = 0; i < data->n; i++) {
        mean_x += mean_prediction(data, weights, i) / n;
        mean_y += data->y[i] / n;
    }
    for (size_t i = 0; i < data->n; i++) {
        double x = mean_prediction(data, weights, i) - mean_x;
        xx += x * x;
        xy += x * (data->y[i] - mean_y);
    }
    return fmin(fmax((slope_prior + xy) / (slope_prior + xx), 0.0), slope_max);
}

void rank_weights_compute(const struct rank_data *data, uint64_t seed, struct rank_weights *weights)
{
    struct rng rng = rng_for(seed, 0);
    bool admitted[SOURCES_MAX] = {0};
    unsigned counts[RANKED_MAX];
    struct rank_losses samples[SAMPLES];
    struct rank_losses whole;
    size_t n = data->n_sources;

    *weights = (struct rank_weights){0};
    for (size_t i = 0; i < data->n; i++) {
        counts[i] = 1;
    }
    measure_losses(data, counts, &whole);
    memcpy(weights->loss, whole.of, n * sizeof *whole.of);
    weights->own_loss = whole.of[n];
    for (size_t s = 0; s < SAMPLES; s++) {
        memset(counts, 0, sizeof counts);
        for (size_t i = 0; i < data->n; i++) {
            counts[rng_below(&rng, data->n)]++;
        }
        measure_losses(data, counts, &samples[s]);
    }
    double bound = fmin(own_bound(n, samples), loss_max);
    for (size_t k = 0; k < n; k++) {
        admitted[k] = whole.of[k] <= bound; /* false for NaN */
        weights->any = weights->any || admitted[k];
    }
    for (size_t s = 0; s < SAMPLES && weights->any; s++) {
        add_sample(admitted, n, samples[s].of, weights->weight);
    }
    weights->ensemble_weight = ensemble_weight(admitted, n, samples);
    weights->slope = regress(data, weights->weight);
}
