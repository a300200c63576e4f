#include "common/hash_secret.h"

#include <pthread.h>

#include "common/rng.h"

static uint64_t drawn;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void draw(void)
{
    rng_entropy(&drawn, sizeof drawn);
}

uint64_t hash_secret(void)
{
    (void)pthread_once(&once, draw);
    return drawn;
}

void hash_secret_set(uint64_t secret)
{
    (void)pthread_once(&once, draw);
    drawn = secret;
}
