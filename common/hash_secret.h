/* What the places in hash tables depend on, besides the keys: a number drawn by chance in each
 * process. Without it a client could choose names or configurations that all meet in one place, so
 * that each search looks at all of them (Crosby & Wallach 2003, "Denial of Service via Algorithmic
 * Complexity Attacks"). */
#ifndef COMMON_HASH_SECRET_H
#define COMMON_HASH_SECRET_H

#include <stdint.h>

/* Drawn at the first call. Any thread. */
uint64_t hash_secret(void);
/* For simulations, which come out the same each time: this one instead. Before any table exists,
 * and before other threads. */
void hash_secret_set(uint64_t secret);

#endif
