#include "server/model/factor_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/linalg.h"
#include "server/model/polynomial.h"
#include "server/model/theta.h"

enum { BLOCK = 64, CACHED_MAX = 4 };

static const size_t cache_bytes_max = (size_t)48 << 20;

static struct {
    pthread_mutex_t lock;
    size_t n;
    struct factor *items[CACHED_MAX];
    uint64_t clock;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- one factor ------------------------------------------------------------------------------ */
static void destroy(struct factor *f)
{
    if (f != NULL) {
        free(f->L);
        free(f->theta);
        free(f->num);
        free(f->extra);
        free(f->cat);
        free(f);
    }
}

static size_t bytes_of(const struct factor *f)
{
    return f->ld * f->cap * sizeof *f->L;
}

/* The leading dimension: not a power of two, at which columns share few lines of the CPU cache. */
static size_t leading_dimension(size_t cap)
{
    return cap + 8;
}

static double *matrix_alloc(size_t ld, size_t cap)
{
    size_t bytes = (ld * cap * sizeof(double) + 63) / 64 * 64;

    return aligned_alloc(64, bytes == 0 ? 64 : bytes);
}

/* Makes room for `rows` rows and keeps those of whole blocks. */
static int reserve(struct factor *f, size_t rows, struct err *err)
{
    if (rows <= f->cap) {
        return 0;
    }
    size_t cap = (rows + rows / 8 + 2 * BLOCK - 1) / BLOCK * BLOCK;
    size_t ld = leading_dimension(cap);
    double *L = matrix_alloc(ld, cap);
    double *num = realloc(f->num, (cap * f->n_num + 1) * sizeof *num);
    f->num = num == NULL ? f->num : num;
    int32_t *cat = realloc(f->cat, (cap * f->n_cat + 1) * sizeof *cat);
    f->cat = cat == NULL ? f->cat : cat;
    double *extra = realloc(f->extra, (cap + 1) * sizeof *extra);
    f->extra = extra == NULL ? f->extra : extra;
    if (L == NULL || num == NULL || cat == NULL || extra == NULL) {
        free(L);
        return err_set(err, ERR_NOMEM, "no memory for a model of %zu points", rows);
    }
    for (size_t j = 0; j < f->n_whole; j++) {
        memcpy(L + j * ld + j, f->L + j * f->ld + j, (f->n_whole - j) * sizeof *L);
    }
    free(f->L);
    f->L = L;
    f->ld = ld;
    f->cap = cap;
    return 0;
}

static double extra_of(const struct covariance *c, size_t i)
{
    return c->extra == NULL || i + c->p >= c->x->n ? 0.0 : c->extra[i];
}

/* How many leading rows of the factor are those of this covariance, in whole blocks. */
static size_t shared_rows(const struct factor *f, const struct covariance *c)
{
    size_t n = c->x->n - c->p;
    size_t i = 0;

    if (f->n_num != c->x->n_num || f->n_cat != c->x->n_cat || f->n_features != c->n_features
        || memcmp(f->theta, c->theta, gp_n_theta(c->x) * sizeof *f->theta) != 0) {
        return 0;
    }
    while (i < n && i < f->n_whole
           && memcmp(f->num + i * f->n_num, points_num(c->x, i), f->n_num * sizeof *f->num) == 0
           && memcmp(f->cat + i * f->n_cat, points_cat(c->x, i), f->n_cat * sizeof *f->cat) == 0) {
        double extra = extra_of(c, i);
        if (memcmp(f->extra + i, &extra, sizeof extra) != 0) {
            break;
        }
        i++;
    }
    return i / BLOCK * BLOCK;
}

/* ---- the cache ------------------------------------------------------------------------------- */
/* Removes from the cache the factor that shares most rows, and keeps only those; NULL: none. */
static struct factor *find_cached(const struct covariance *c)
{
    struct factor *found = NULL;
    size_t best = 0;
    size_t at = 0;

    (void)pthread_mutex_lock(&cache.lock);
    for (size_t i = 0; i < cache.n; i++) {
        size_t rows = shared_rows(cache.items[i], c);
        if (rows > best) {
            best = rows;
            at = i;
        }
    }
    if (best > 0) {
        found = cache.items[at];
        found->n_whole = best;
        cache.items[at] = cache.items[--cache.n];
    }
    (void)pthread_mutex_unlock(&cache.lock);
    return found;
}

/* Removes the least recently used factor; the caller holds the lock. */
static struct factor *remove_oldest(void)
{
    size_t oldest = 0;

    for (size_t i = 1; i < cache.n; i++) {
        if (cache.items[i]->used_at < cache.items[oldest]->used_at) {
            oldest = i;
        }
    }
    struct factor *f = cache.items[oldest];
    cache.items[oldest] = cache.items[--cache.n];
    return f;
}

void factor_cache_clear(void)
{
    (void)pthread_mutex_lock(&cache.lock);
    while (cache.n > 0) {
        destroy(remove_oldest());
    }
    (void)pthread_mutex_unlock(&cache.lock);
}

static size_t cached_bytes(void)
{
    size_t bytes = 0;

    for (size_t i = 0; i < cache.n; i++) {
        bytes += bytes_of(cache.items[i]);
    }
    return bytes;
}

void factor_release(struct factor *factor)
{
    if (factor == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&cache.lock);
    while (cache.n > 0
           && (cache.n == CACHED_MAX || cached_bytes() + bytes_of(factor) > cache_bytes_max)) {
        destroy(remove_oldest());
    }
    if (bytes_of(factor) <= cache_bytes_max) {
        factor->used_at = ++cache.clock;
        cache.items[cache.n++] = factor;
        factor = NULL;
    }
    (void)pthread_mutex_unlock(&cache.lock);
    destroy(factor);
}

/* ---- rows ------------------------------------------------------------------------------------ */
/* Computes rows from … from + m − 1: their covariances with all rows before and among themselves,
 * then the elimination. */
static int add_rows(struct factor *f, const struct covariance *c, size_t from, size_t m,
                    struct err *err)
{
    struct points rows = points_part(c->x, from, m);
    struct points columns = points_part(c->x, 0, from + m);
    double scratch[BLOCK * BLOCK];
    double *K = f->L + from;
    size_t d = c->x->n_num;

    kernel_cross(c->kernel, &(struct scaled_points){&rows, c->Z + from * d, c->norm + from},
                 &(struct scaled_points){&columns, c->Z, c->norm}, K, NULL, f->ld);
    if (c->share > 0.0) {
        additive_mix(c->additive,
                     (struct mixture){c->signal * (1.0 - c->share), c->signal * c->share},
                     &(struct additive_points){&rows, c->tables + from, c->x->n},
                     &(struct additive_points){&columns, c->tables, c->x->n}, K, f->ld);
    }
    for (size_t j = 0; c->share <= 0.0 && j < from + m; j++) {
        for (size_t i = 0; i < m; i++) {
            K[j * f->ld + i] *= c->signal;
        }
    }
    for (size_t i = 0; i < m; i++) {
        K[(from + i) * f->ld + i] = c->signal + c->noise + extra_of(c, from + i);
    }
    polynomial_add_covariance(1.0,
                              &(struct features){c->n_features, m, c->phi + from * c->n_features},
                              &(struct features){c->n_features, from + m, c->phi}, K, f->ld);
    return linalg_append(from, m, f->L, f->ld, c->signal + c->noise, scratch, err);
}

static int add_all(struct factor *f, const struct covariance *c, struct err *err)
{
    size_t all = c->x->n;
    size_t n = all - c->p;

    for (size_t from = f->n_whole, m; from < all; from += m) {
        size_t end = from < n ? n : all; /* no block mixes observed and pending points */
        m = end - from < BLOCK ? end - from : BLOCK;
        TRY(add_rows(f, c, from, m, err));
        if (m < BLOCK || from + m > n) {
            continue;
        }
        size_t d = f->n_num;
        memcpy(f->num + from * d, points_num(c->x, from), m * d * sizeof *f->num);
        memcpy(f->cat + from * f->n_cat, points_cat(c->x, from), m * f->n_cat * sizeof *f->cat);
        for (size_t i = from; i < from + m; i++) {
            f->extra[i] = extra_of(c, i);
        }
        f->n_whole = from + m;
    }
    return 0;
}

static struct factor *create(const struct covariance *c)
{
    struct factor *f = calloc(1, sizeof *f);

    if (f != NULL) {
        f->n_num = c->x->n_num;
        f->n_cat = c->x->n_cat;
        f->n_features = c->n_features;
        f->theta = malloc(gp_n_theta(c->x) * sizeof *f->theta);
    }
    if (f == NULL || f->theta == NULL) {
        free(f);
        return NULL;
    }
    memcpy(f->theta, c->theta, gp_n_theta(c->x) * sizeof *f->theta);
    return f;
}

int factor_acquire(const struct covariance *covariance, struct factor **factor, struct err *err)
{
    OWN(factor) struct factor *f = find_cached(covariance);

    if (f == NULL) {
        f = create(covariance);
    }
    if (f == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(reserve(f, covariance->x->n, err));
    TRY(add_all(f, covariance, err));
    *factor = f;
    f = NULL;
    return 0;
}
