#include "server/model/factor.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/drift.h"
#include "server/model/linalg.h"

enum { BLOCK = 64, REMEMBERED_MAX = 4 };

static const size_t remembered_bytes = (size_t)48 << 20;

static struct {
    pthread_mutex_t lock;
    size_t n;
    struct factor *items[REMEMBERED_MAX];
    uint64_t clock;
} memory_of = {.lock = PTHREAD_MUTEX_INITIALIZER};

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

/* Columns that are no power of two apart: those share the same few lines of a cache. */
static size_t stride(size_t cap)
{
    return cap + 8;
}

static double *matrix(size_t ld, size_t cap)
{
    size_t bytes = (ld * cap * sizeof(double) + 63) / 64 * 64;

    return aligned_alloc(64, bytes == 0 ? 64 : bytes);
}

/* Room for `rows` rows; those of whole blocks stay. */
static int reserve(struct factor *f, size_t rows, struct err *err)
{
    if (rows <= f->cap) {
        return 0;
    }
    size_t cap = (rows + rows / 8 + 2 * BLOCK - 1) / BLOCK * BLOCK;
    size_t ld = stride(cap);
    double *L = matrix(ld, cap);
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

static size_t count_theta(const struct covariance *c)
{
    return c->x->n_num + c->x->n_cat + 2;
}

static double extra_of(const struct covariance *c, size_t i)
{
    return c->extra == NULL || i + c->p >= c->x->n ? 0.0 : c->extra[i];
}

/* How many of the factor's rows are rows of this covariance, in whole blocks. */
static size_t shared_rows(const struct factor *f, const struct covariance *c)
{
    size_t n = c->x->n - c->p;
    size_t i = 0;

    if (f->n_num != c->x->n_num || f->n_cat != c->x->n_cat || f->n_features != c->n_features
        || memcmp(f->theta, c->theta, count_theta(c) * sizeof *f->theta) != 0) {
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

/* ---- what is remembered ---------------------------------------------------------------------- */
/* Takes out the factor that shares most rows, if any does; they are all that is left of it. */
static struct factor *recall(const struct covariance *c)
{
    struct factor *found = NULL;
    size_t best = 0;
    size_t at = 0;

    (void)pthread_mutex_lock(&memory_of.lock);
    for (size_t i = 0; i < memory_of.n; i++) {
        size_t rows = shared_rows(memory_of.items[i], c);
        if (rows > best) {
            best = rows;
            at = i;
        }
    }
    if (best > 0) {
        found = memory_of.items[at];
        found->n_whole = best;
        memory_of.items[at] = memory_of.items[--memory_of.n];
    }
    (void)pthread_mutex_unlock(&memory_of.lock);
    return found;
}

/* Takes out the least recently used one; called under the lock. */
static struct factor *take_oldest(void)
{
    size_t oldest = 0;

    for (size_t i = 1; i < memory_of.n; i++) {
        if (memory_of.items[i]->used_at < memory_of.items[oldest]->used_at) {
            oldest = i;
        }
    }
    struct factor *f = memory_of.items[oldest];
    memory_of.items[oldest] = memory_of.items[--memory_of.n];
    return f;
}

static size_t bytes_remembered(void)
{
    size_t bytes = 0;

    for (size_t i = 0; i < memory_of.n; i++) {
        bytes += bytes_of(memory_of.items[i]);
    }
    return bytes;
}

void factor_release(struct factor *factor)
{
    if (factor == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&memory_of.lock);
    while (memory_of.n > 0
           && (memory_of.n == REMEMBERED_MAX
               || bytes_remembered() + bytes_of(factor) > remembered_bytes)) {
        destroy(take_oldest());
    }
    if (bytes_of(factor) <= remembered_bytes) {
        factor->used_at = ++memory_of.clock;
        memory_of.items[memory_of.n++] = factor;
        factor = NULL;
    }
    (void)pthread_mutex_unlock(&memory_of.lock);
    destroy(factor);
}

void factor_forget_all(void)
{
    (void)pthread_mutex_lock(&memory_of.lock);
    while (memory_of.n > 0) {
        destroy(take_oldest());
    }
    (void)pthread_mutex_unlock(&memory_of.lock);
}

/* ---- rows ------------------------------------------------------------------------------------ */
/* Rows from … from+m-1: covariances with all before them and among themselves, then eliminated. */
static int add_rows(struct factor *f, const struct covariance *c, size_t from, size_t m,
                    struct err *err)
{
    struct points rows = points_part(c->x, from, m);
    struct points columns = points_part(c->x, 0, from + m);
    double scratch[BLOCK * BLOCK];
    double *K = f->L + from;
    size_t d = c->x->n_num;

    kernel_cross(c->kernel, &rows, c->Z + from * d, c->norm + from, &columns, c->Z, c->norm, K,
                 NULL, f->ld);
    for (size_t j = 0; j < from + m; j++) {
        for (size_t i = 0; i < m; i++) {
            K[j * f->ld + i] *= c->signal;
        }
    }
    for (size_t i = 0; i < m; i++) {
        K[(from + i) * f->ld + i] = c->signal + c->noise + extra_of(c, from + i);
    }
    drift_add(c->n_features, 1.0, m, c->phi + from * c->n_features, from + m, c->phi, K, f->ld);
    return linalg_append(from, m, f->L, f->ld, c->signal + c->noise, scratch, err);
}

static int add_all(struct factor *f, const struct covariance *c, struct err *err)
{
    size_t all = c->x->n;
    size_t n = all - c->p;

    for (size_t from = f->n_whole, m; from < all; from += m) {
        size_t end = from < n ? n : all; /* no block holds observed and pending points */
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
        f->theta = malloc(count_theta(c) * sizeof *f->theta);
    }
    if (f == NULL || f->theta == NULL) {
        free(f);
        return NULL;
    }
    memcpy(f->theta, c->theta, count_theta(c) * sizeof *f->theta);
    return f;
}

int factor_take(const struct covariance *covariance, struct factor **factor, struct err *err)
{
    OWN(factor) struct factor *f = recall(covariance);

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
