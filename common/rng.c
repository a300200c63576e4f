#include "common/rng.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t splitmix64(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t rng_key(uint64_t seed, uint64_t ordinal)
{
    return splitmix64(splitmix64(seed) + ordinal);
}

struct rng rng_seeded(uint64_t key)
{
    struct rng rng;

    for (int i = 0; i < 4; i++) {
        rng.s[i] = splitmix64(key + (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15));
    }
    return rng;
}

struct rng rng_for(uint64_t seed, uint64_t ordinal)
{
    return rng_seeded(rng_key(seed, ordinal));
}

uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotl(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double rng_uniform(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1.0p-53;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    uint64_t threshold = (0 - bound) % bound; /* 2^64 mod bound: values below it are biased */
    uint64_t x;

    do {
        x = rng_next(rng);
    } while (x < threshold);
    return x % bound;
}

double rng_normal(struct rng *rng)
{
    /* Box-Muller, one of the two: a stream must not depend on earlier callers. */
    double u = 1.0 - rng_uniform(rng); /* (0, 1] */
    double v = rng_uniform(rng);

    return sqrt(-2.0 * log(u)) * cos(2.0 * 3.14159265358979323846 * v);
}

size_t share_find(const double shares[], size_t n, double u)
{
    size_t low = 0;
    size_t high = n - 1;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (shares[middle] > u) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void rng_entropy(void *bytes, size_t len)
{
    char *at = bytes;

    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            abort();
        }
        at += got;
        len -= (size_t)got;
    }
}
