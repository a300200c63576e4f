#include "server/suggester/fit_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct cached_fit {
    unsigned char key[SHA256_BYTES];
    uint64_t used; /* 0: free */
    uint64_t n_seen;
    size_t bytes;
    void *data; /* owned */
};

struct fit_cache {
    pthread_mutex_t lock;
    uint64_t uses;
    struct cached_fit entries[FIT_CACHE_ENTRIES];
};

struct fit_cache *fit_cache_create(void)
{
    struct fit_cache *cache = calloc(1, sizeof *cache);

    if (cache != NULL) {
        (void)pthread_mutex_init(&cache->lock, NULL);
    }
    return cache;
}

void fit_cache_destroy(struct fit_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < FIT_CACHE_ENTRIES; i++) {
        free(cache->entries[i].data);
    }
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* The entry of the key, else the one that was used longest ago. */
static struct cached_fit *find(struct fit_cache *cache, const unsigned char key[SHA256_BYTES])
{
    struct cached_fit *oldest = &cache->entries[0];

    for (size_t i = 0; i < FIT_CACHE_ENTRIES; i++) {
        struct cached_fit *entry = &cache->entries[i];
        if (entry->used > 0 && memcmp(entry->key, key, SHA256_BYTES) == 0) {
            return entry;
        }
        oldest = entry->used < oldest->used ? entry : oldest;
    }
    return oldest;
}

bool fit_cache_get(struct fit_cache *cache, const unsigned char key[SHA256_BYTES], struct fit *fit)
{
    void *copy = NULL;

    (void)pthread_mutex_lock(&cache->lock);
    struct cached_fit *entry = find(cache, key);
    if (entry->used > 0 && memcmp(entry->key, key, SHA256_BYTES) == 0) {
        copy = malloc(entry->bytes);
    }
    if (copy != NULL) {
        entry->used = ++cache->uses;
        memcpy(copy, entry->data, entry->bytes);
        *fit = (struct fit){.n_seen = entry->n_seen, .bytes = entry->bytes, .data = copy};
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return copy != NULL;
}

void fit_cache_put(struct fit_cache *cache, const unsigned char key[SHA256_BYTES],
                   const struct fit *fit)
{
    void *copy = fit->bytes > FIT_CACHE_FIT_BYTES ? NULL : malloc(fit->bytes + 1);

    if (copy == NULL) {
        return;
    }
    memcpy(copy, fit->data, fit->bytes);
    (void)pthread_mutex_lock(&cache->lock);
    struct cached_fit *entry = find(cache, key);
    free(entry->data);
    *entry = (struct cached_fit){
        .used = ++cache->uses, .n_seen = fit->n_seen, .bytes = fit->bytes, .data = copy};
    memcpy(entry->key, key, SHA256_BYTES);
    (void)pthread_mutex_unlock(&cache->lock);
}
