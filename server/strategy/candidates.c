#include "server/strategy/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 32 };

int pool_init(struct pool *pool, const struct axes *axes, size_t cap, struct err *err)
{
    size_t d = axes->space->n_params;

    *pool = (struct pool){.axes = axes, .cap = cap, .n_params = d};
    pool->x = calloc(d * cap + 1, sizeof *pool->x);
    pool->u = calloc(d * cap + 1, sizeof *pool->u);
    pool->score = calloc(cap + 1, sizeof *pool->score);
    if (pool->x == NULL || pool->u == NULL || pool->score == NULL
        || points_init(&pool->points, axes->n_num, axes->n_cat, cap, NULL) != 0) {
        pool_finish(pool);
        return err_set(err, ERR_NOMEM, "no memory for %zu candidates", cap);
    }
    return 0;
}

void pool_finish(struct pool *pool)
{
    free(pool->x);
    free(pool->u);
    free(pool->score);
    points_finish(&pool->points);
    *pool = (struct pool){0};
}

double *pool_x(const struct pool *pool, size_t i)
{
    return pool->x + i * pool->n_params;
}

double *pool_u(const struct pool *pool, size_t i)
{
    return pool->u + i * pool->n_params;
}

/* Takes in the configuration that stands at x[n]. */
static bool keep(struct pool *pool)
{
    double *x = pool_x(pool, pool->n);

    if (!space_satisfies(pool->axes->space, x)) {
        return false;
    }
    space_encode(pool->axes->space, x, pool_u(pool, pool->n));
    axes_put(pool->axes, x, &pool->points, pool->n);
    pool->n++;
    pool->points.n = pool->n;
    return true;
}

bool pool_add(struct pool *pool, const double place[])
{
    if (pool->n == pool->cap) {
        return false;
    }
    space_decode(pool->axes->space, place, pool_x(pool, pool->n));
    return keep(pool);
}

bool pool_add_config(struct pool *pool, const double x[])
{
    if (pool->n == pool->cap) {
        return false;
    }
    memcpy(pool_x(pool, pool->n), x, pool->n_params * sizeof *x);
    return keep(pool);
}

struct points pool_unscored(const struct pool *pool)
{
    struct points part = pool->points;

    part.num += pool->n_scored * part.n_num;
    part.cat += pool->n_scored * part.n_cat;
    part.n = pool->n - pool->n_scored;
    return part;
}

void pool_scored(struct pool *pool)
{
    pool->n_scored = pool->n;
}

static bool is_same(const struct pool *pool, size_t i, size_t j)
{
    const double *a = pool_u(pool, i);
    const double *b = pool_u(pool, j);

    for (size_t k = 0; k < pool->n_params; k++) {
        if (a[k] < b[k] || a[k] > b[k]) {
            return false;
        }
    }
    return true;
}

struct scored {
    double score;
    size_t index;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a;
    const struct scored *y = b;

    if (x->score < y->score || x->score > y->score) {
        return x->score > y->score ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

/* For many: sorts them all. */
static size_t sort_best(const struct pool *pool, size_t k, size_t order[])
{
    OWN(memory) struct scored *all = calloc(pool->n_scored + 1, sizeof *all);
    size_t n_all = 0;
    size_t n = 0;

    if (all == NULL) {
        return 0;
    }
    for (size_t i = 0; i < pool->n_scored; i++) {
        if (!isnan(pool->score[i])) {
            all[n_all++] = (struct scored){pool->score[i], i};
        }
    }
    qsort(all, n_all, sizeof *all, by_score);
    for (size_t i = 0; i < n_all && n < k; i++) {
        bool is_tie = n > 0 && pool->score[order[n - 1]] <= all[i].score;
        if (!is_tie || !is_same(pool, order[n - 1], all[i].index)) {
            order[n++] = all[i].index;
        }
    }
    return n;
}

/* For a few: most candidates are no better than the last of them, and cost one comparison. */
static size_t insert_best(const struct pool *pool, size_t k, size_t order[])
{
    size_t n = 0;

    for (size_t i = 0; i < pool->n_scored; i++) {
        double score = pool->score[i];
        if (isnan(score) || (n == k && score <= pool->score[order[n - 1]])) {
            continue;
        }
        size_t at = n;
        while (at > 0 && pool->score[order[at - 1]] < score) {
            at--;
        }
        if (at > 0 && pool->score[order[at - 1]] <= score && is_same(pool, order[at - 1], i)) {
            continue;
        }
        size_t last = n < k ? n++ : k - 1;
        memmove(order + at + 1, order + at, (last - at) * sizeof *order);
        order[at] = i;
    }
    return n;
}

size_t pool_best(const struct pool *pool, size_t k, size_t order[])
{
    return k > FEW ? sort_best(pool, k, order) : insert_best(pool, k, order);
}
