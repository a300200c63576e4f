/* Random numbers, passed in. No other module draws any.
 *
 * A stream is xoshiro256++ (Blackman & Vigna 2021), seeded by splitmix64. Streams are named by
 * (seed, ordinal): rng_for(study_seed, ordinal) is keyed by
 * splitmix64(splitmix64(seed) + ordinal), never by seed XOR ordinal, so that neighbouring seeds
 * share no stream. Plain values, no allocation; a stream belongs to one thread. */
#ifndef COMMON_RNG_H
#define COMMON_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* One step of splitmix64 as a mixing function: the output for state x + golden gamma.
 * splitmix64(0) = e220a8397b1dcdaf. */
uint64_t splitmix64(uint64_t x);

/* The key of ordinal's stream; also the base of derived seeds. */
uint64_t rng_key(uint64_t seed, uint64_t ordinal);
/* Returns the stream of this key, and the stream of (seed, ordinal). */
struct rng rng_seeded(uint64_t key);
struct rng rng_for(uint64_t seed, uint64_t ordinal);

/* The next 64 random bits, and what is made of them. */
uint64_t rng_next(struct rng *rng);
double rng_uniform(struct rng *rng);                 /* [0, 1), 53 bits */
uint64_t rng_below(struct rng *rng, uint64_t bound); /* 0 … bound-1 without bias; bound > 0 */
double rng_normal(struct rng *rng);                  /* mean 0, sd 1 */

/* The first of n > 0 shares that is greater than u; shares[i] are those up to and with i,
 * increasing. With u uniform, each index comes as often as its share says. */
size_t share_find(const double shares[], size_t n, double u);

/* Entropy of the operating system, for secrets and fresh seeds. Never fails: aborts instead. */
void rng_entropy(void *bytes, size_t len);

#endif
