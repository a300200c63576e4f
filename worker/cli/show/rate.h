/* How fast trials end. Pure. */
#ifndef WORKER_CLI_SHOW_RATE_H
#define WORKER_CLI_SHOW_RATE_H

#include <stddef.h>
#include <stdint.h>

/* Where the trials stood, and when: what a rate is made of. */
#define RATE_SAMPLES 64
struct rate {
    struct {
        int64_t at_ms; /* monotonic */
        int64_t done;
    } samples[RATE_SAMPLES]; /* the oldest first */
    size_t n;
};
/* One sample a call; those older than five minutes are forgotten. */
void rate_add(struct rate *rate, int64_t now_ms, int64_t done);
/* Trials a minute over the samples, once at least three ended meanwhile; else NaN. */
double rate_per_minute(const struct rate *rate);

#endif
