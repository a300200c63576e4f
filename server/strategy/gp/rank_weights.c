#include "server/strategy/gp/rank_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"

enum { SAMPLES = 100 };

static const double loss_max = 0.45;   /* of ½, which is chance */
static const double slope_prior = 2.0; /* results' worth of a slope of 1 */
static const double slope_max = 5.0;

/* Losses of the sources and then of our own model. */
struct losses {
    double of[SOURCES_MAX + 1];
};

struct court {
    size_t n, n_sources;
    const double *y;
    const double *said[SOURCES_MAX + 1];
    unsigned counts[JUDGED_MAX]; /* how often each result was drawn */
};

/* Pairs of equal results tell nothing, equal sayings are half wrong. */
static double rank_loss(const struct court *court, const double said[])
{
    double wrong = 0.0;
    double all = 0.0;

    for (size_t i = 0; i < court->n; i++) {
        for (size_t j = 0; j < i && court->counts[i] > 0; j++) {
            double delta = court->y[i] - court->y[j];
            double told = said[i] - said[j];
            double weight = court->counts[i] * court->counts[j];
            weight = delta > 0.0 || delta < 0.0 ? weight : 0.0;
            all += weight;
            wrong += weight * (delta * told > 0.0 ? 0.0 : delta * told < 0.0 ? 1.0 : 0.5);
        }
    }
    return all > 0.0 ? wrong / all : 0.5;
}

static void measure(const struct court *court, struct losses *out)
{
    for (size_t k = 0; k <= court->n_sources; k++) {
        out->of[k] = court->said[k] == NULL ? (double)NAN : rank_loss(court, court->said[k]);
    }
}

static void resample(struct court *court, struct rng *rng)
{
    memset(court->counts, 0, sizeof court->counts);
    for (size_t i = 0; i < court->n; i++) {
        court->counts[rng_below(rng, court->n)]++;
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What our own loss exceeds in one sample of twenty. */
static double own_bound(size_t own, const struct losses samples[])
{
    double sorted[SAMPLES];

    for (size_t s = 0; s < SAMPLES; s++) {
        sorted[s] = samples[s].of[own];
    }
    qsort(sorted, SAMPLES, sizeof *sorted, by_size);
    return sorted[SAMPLES * 95 / 100];
}

/* One vote, shared among the admitted that err least. */
static void vote(const bool admitted[], size_t n, const double sample[], double weights[])
{
    double least = INFINITY;
    double winners = 0.0;

    for (size_t k = 0; k < n; k++) {
        least = admitted[k] ? fmin(least, sample[k]) : least;
    }
    for (size_t k = 0; k < n; k++) {
        winners += admitted[k] && sample[k] <= least;
    }
    for (size_t k = 0; k < n; k++) {
        if (admitted[k] && sample[k] <= least) {
            weights[k] += 1.0 / (winners * SAMPLES);
        }
    }
}

/* The share of samples in which an admitted source errs no more than our own model. */
static double trust(const bool admitted[], size_t n, const struct losses samples[])
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

/* What the followed sources say together of the i-th result. */
static double say(const struct court *court, const double weights[], size_t i)
{
    double sum = 0.0;

    for (size_t k = 0; k < court->n_sources; k++) {
        sum += weights[k] > 0.0 ? weights[k] * court->said[k][i] : 0.0;
    }
    return sum;
}

static double regress(const struct court *court, const double weights[])
{
    double n = (double)court->n;
    double mean_x = 0.0;
    double mean_y = 0.0;
    double xx = 0.0;
    double xy = 0.0;

    for (size_t i = 0; i < court->n; i++) {
        mean_x += say(court, weights, i) / n;
        mean_y += court->y[i] / n;
    }
    for (size_t i = 0; i < court->n; i++) {
        double x = say(court, weights, i) - mean_x;
        xx += x * x;
        xy += x * (court->y[i] - mean_y);
    }
    return fmin(fmax((slope_prior + xy) / (slope_prior + xx), 0.0), slope_max);
}

void judge(size_t n, const double y[], size_t n_sources, const double *const said[],
           const double own[], uint64_t seed, struct verdict *verdict)
{
    struct court court = {.n = n, .n_sources = n_sources, .y = y};
    struct rng rng = rng_for(seed, 0);
    bool admitted[SOURCES_MAX] = {0};
    struct losses samples[SAMPLES];
    struct losses whole;

    *verdict = (struct verdict){0};
    for (size_t i = 0; i < n; i++) {
        court.counts[i] = 1;
    }
    memcpy(court.said, said, n_sources * sizeof *said);
    court.said[n_sources] = own;
    measure(&court, &whole);
    memcpy(verdict->loss, whole.of, n_sources * sizeof *whole.of);
    verdict->own_loss = whole.of[n_sources];
    for (size_t s = 0; s < SAMPLES; s++) {
        resample(&court, &rng);
        measure(&court, &samples[s]);
    }
    double bound = fmin(own_bound(n_sources, samples), loss_max);
    for (size_t k = 0; k < n_sources; k++) {
        admitted[k] = whole.of[k] <= bound; /* NaN is not */
        verdict->any = verdict->any || admitted[k];
    }
    for (size_t s = 0; s < SAMPLES && verdict->any; s++) {
        vote(admitted, n_sources, samples[s].of, verdict->weight);
    }
    verdict->trust = trust(admitted, n_sources, samples);
    verdict->slope = regress(&court, verdict->weight);
}
