/* The entries of a rung in order: the smaller cost first, ties by the smaller trial number.
 *
 * A sorted list in blocks: insert, remove, rank and nth cost O(block + n / block), which is a few
 * microseconds even at a million entries. Costs are never NaN. One thread at a time. */
#ifndef SERVER_SCHEDULE_RANKING_H
#define SERVER_SCHEDULE_RANKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct ranked {
    double cost; /* smaller is better */
    int64_t trial;
};

struct ranking_block;

struct rung_ranking { /* zero-initialise; finish with ranking_finish() */
    size_t n;
    size_t n_blocks, cap;
    struct ranking_block **blocks; /* none is empty */
};

void ranking_finish(struct rung_ranking *ranking);
/* The pair must not be present. ERR_NOMEM leaves the ranking as it was. */
MUST_USE int ranking_insert(struct rung_ranking *ranking, double cost, int64_t trial,
                            struct err *err);
/* False: the pair is not present. */
bool ranking_remove(struct rung_ranking *ranking, double cost, int64_t trial);
/* How many entries come before this pair, which need not be present. */
size_t ranking_rank(const struct rung_ranking *ranking, double cost, int64_t trial);
/* The entry of rank k < n. */
struct ranked ranking_at(const struct rung_ranking *ranking, size_t k);

#endif
