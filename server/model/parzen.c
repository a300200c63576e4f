#include "server/model/parzen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/normal.h"
#include "common/processor.h"
#include "server/model/exp.h"
#include "server/model/linalg.h"
#include "server/model/radix_sort.h"

static const double half_ln_2pi = 0.91893853320467274178;
static const double least_width = 0.03;

enum { ROWS_PER_CELL = 4 };

/* The kernels of a number with few values: log mass over each cell, one row for each (mean, width).
 */
struct mass_table {
    uint64_t cells; /* 0: continuous */
    size_t n_rows, cap;
    double *rows;  /* cells × n_rows, densities in logarithms */
    uint32_t *row; /* of each component */
};

struct parzen {
    size_t n; /* components, the prior last */
    size_t n_num, n_cat;
    struct points x; /* n − 1 of them */
    struct workspace work;
    double *log_weight, *cumulative;
    double *mean, *width, *inverse, *constant; /* number-major: n_num × n */
    double *match, *other;                     /* of each category: log mass */
    double *uniform;                           /* log 1/k */
    struct parzen_category *categories;
    struct mass_table *tables; /* n_num */
    double *terms; /* scratch of one point: parzen_log_density() is not for two threads */
};

void parzen_destroy(struct parzen *parzen)
{
    if (parzen != NULL) {
        for (size_t k = 0; parzen->tables != NULL && k < parzen->n_num; k++) {
            free(parzen->tables[k].rows);
            free(parzen->tables[k].row);
        }
        free(parzen->tables);
        free(parzen->categories);
        points_finish(&parzen->x);
        workspace_finish(&parzen->work);
        free(parzen);
    }
}

/* ---- widths ---------------------------------------------------------------------------------- */
/* Sets mean, width and what follows from them for one component of the k-th number. */
static void set_kernel(struct parzen *p, size_t k, size_t i, double mean, double width)
{
    size_t at = k * p->n + i;
    double mass = normal_cdf((1.0 - mean) / width) - normal_cdf(-mean / width);

    p->mean[at] = mean;
    p->width[at] = width;
    p->inverse[at] = 1.0 / width;
    p->constant[at] = -log(width * mass) - half_ln_2pi;
}

/* The position of the i-th component; that of the prior is the middle. */
static double position_of(const struct parzen *p, size_t k, size_t i)
{
    return i + 1 < p->n ? points_num(&p->x, i)[k] : 0.5;
}

/* The kernels of the k-th number: widths from the gaps between sorted positions; the outermost have
 * one gap. */
static void set_kernels(struct parzen *p, size_t k, struct radix_item positions[])
{
    size_t prior = p->n - 1;
    size_t count = 0;
    double least = fmax(least_width, 1.0 / (double)((prior + 2) * (prior + 2)));

    for (size_t i = 0; i < p->n; i++) {
        double at = position_of(p, k, i);
        if (isnan(at)) { /* uniform: inverse and constant stay 0, which adds 0 to the logarithm */
            p->mean[k * p->n + i] = 0.5;
            p->width[k * p->n + i] = INFINITY;
            continue;
        }
        positions[count++] = (struct radix_item){radix_key(at), i};
    }
    radix_sort(count, positions, positions + p->n);
    double left = 0.0;
    for (size_t j = 0; j < count; j++) {
        double at = position_of(p, k, positions[j].index);
        double right = j + 1 == count ? 0.0 : position_of(p, k, positions[j + 1].index) - at;
        double width = fmin(fmax(fmax(left, right), least), 1.0);
        set_kernel(p, k, positions[j].index, at, positions[j].index == prior ? 1.0 : width);
        left = right;
    }
}

/* ---- numbers with few values ----------------------------------------------------------------- */
static void fill_row(double row[], uint64_t cells, double mean, double width)
{
    double n = (double)cells;
    double mass = normal_cdf((1.0 - mean) / width) - normal_cdf(-mean / width);

    for (uint64_t c = 0; c < cells; c++) {
        double low = ((double)c / n - mean) / width;
        double high = ((double)(c + 1) / n - mean) / width;
        double part = high > 0.0 && low > 0.0 ? normal_cdf(-low) - normal_cdf(-high)
                                              : normal_cdf(high) - normal_cdf(low);
        row[c] = log(fmax(part * n / mass, 1e-300));
    }
}

static uint64_t cell_of(double u, uint64_t cells)
{
    double c = floor(u * (double)cells);

    return c < 0.0 ? 0 : c >= (double)cells ? cells - 1 : (uint64_t)c;
}

/* The row of this kernel among the last ones added for its cell; t->n_rows: not found. */
static size_t find_row(const struct parzen *p, size_t k, size_t i, const size_t slots[],
                       const size_t owner[])
{
    const double *mean = p->mean + k * p->n;
    const double *width = p->width + k * p->n;

    for (size_t s = 0; s < ROWS_PER_CELL && slots[s] != 0; s++) {
        size_t o = owner[slots[s] - 1];
        if (memcmp(&mean[o], &mean[i], sizeof *mean) == 0
            && memcmp(&width[o], &width[i], sizeof *width) == 0) {
            return slots[s] - 1;
        }
    }
    return p->tables[k].n_rows;
}

static int add_row(struct mass_table *t, double mean, double width, struct err *err)
{
    TRY(array_reserve(&t->rows, t->n_rows, &t->cap, t->cells * sizeof *t->rows, err));
    double *row = t->rows + t->n_rows++ * t->cells;
    if (isinf(width)) {
        memset(row, 0, t->cells * sizeof *row); /* uniform */
    } else {
        fill_row(row, t->cells, mean, width);
    }
    return 0;
}

/* Components with equal kernels share a row: values repeat, and so do widths. */
static int build_table(struct parzen *p, size_t k, uint64_t cells, struct err *err)
{
    struct mass_table *t = &p->tables[k];
    OWN(memory) size_t *recent = calloc(cells * ROWS_PER_CELL, sizeof *recent); /* row + 1 */
    OWN(memory) size_t *owner = calloc(p->n + 1, sizeof *owner); /* a component of each row */

    t->cells = cells;
    t->row = calloc(p->n, sizeof *t->row);
    if (recent == NULL || owner == NULL || t->row == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t i = 0; i < p->n; i++) {
        size_t *slots = recent + cell_of(p->mean[k * p->n + i], cells) * ROWS_PER_CELL;
        size_t row = find_row(p, k, i, slots, owner);
        if (row == t->n_rows) {
            TRY(add_row(t, p->mean[k * p->n + i], p->width[k * p->n + i], err));
            owner[row] = i;
            memmove(slots + 1, slots, (ROWS_PER_CELL - 1) * sizeof *slots);
            slots[0] = row + 1;
        }
        t->row[i] = (uint32_t)row;
    }
    return 0;
}

/* ---- building -------------------------------------------------------------------------------- */
static void set_weights(struct parzen *p, const double weights[])
{
    size_t prior = p->n - 1;
    double sum = 0.0;

    for (size_t i = 0; i < prior; i++) {
        sum += weights == NULL ? 1.0 : weights[i];
    }
    double own = prior == 0 ? 1.0 : sum / (double)prior;
    double total = sum + own;
    double so_far = 0.0;
    for (size_t i = 0; i < p->n; i++) {
        double w = (i == prior ? own : weights == NULL ? 1.0 : weights[i]) / total;
        so_far += w;
        p->log_weight[i] = log(w);
        p->cumulative[i] = so_far;
    }
}

static void set_categories(struct parzen *p, const struct parzen_category categories[])
{
    for (size_t k = 0; k < p->n_cat; k++) {
        double base = 1.0 / (double)p->n;
        double count = (double)categories[k].choices;
        p->categories[k] = categories[k];
        p->match[k] = log((1.0 + base) / (1.0 + count * base));
        p->other[k] = log(base / (1.0 + count * base));
        p->uniform[k] = -log(count);
    }
}

static int allocate(struct parzen *p, const struct points *x, struct err *err)
{
    size_t n = p->n;
    size_t d = p->n_num;

    p->tables = calloc(d + 1, sizeof *p->tables);
    p->categories = calloc(p->n_cat + 1, sizeof *p->categories);
    if (p->tables == NULL || p->categories == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(points_init(&p->x, d, p->n_cat, n, err));
    for (size_t i = 0; i < x->n; i++) {
        points_copy(&p->x, i, x, i);
    }
    p->x.n = x->n;
    TRY(workspace_init(
        &p->work,
        3 * workspace_round(n) + 4 * workspace_round(n * d) + 3 * workspace_round(p->n_cat), err));
    p->log_weight = workspace_take(&p->work, n);
    p->cumulative = workspace_take(&p->work, n);
    p->terms = workspace_take(&p->work, n);
    p->mean = workspace_take(&p->work, n * d);
    p->width = workspace_take(&p->work, n * d);
    p->inverse = workspace_take(&p->work, n * d);
    p->constant = workspace_take(&p->work, n * d);
    p->match = workspace_take(&p->work, p->n_cat);
    p->other = workspace_take(&p->work, p->n_cat);
    p->uniform = workspace_take(&p->work, p->n_cat);
    return 0;
}

int parzen_create(const struct points *x, const double weights[], const uint64_t cells[],
                  const struct parzen_category categories[], struct parzen **parzen,
                  struct err *err)
{
    OWN(parzen) struct parzen *p = calloc(1, sizeof *p);
    OWN(memory) struct radix_item *positions = calloc(2 * (x->n + 1), sizeof *positions);

    if (p == NULL || positions == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    p->n = x->n + 1;
    p->n_num = x->n_num;
    p->n_cat = x->n_cat;
    TRY(allocate(p, x, err));
    set_weights(p, weights);
    set_categories(p, categories);
    for (size_t k = 0; k < p->n_num; k++) {
        set_kernels(p, k, positions);
        if (cells[k] > 0) {
            TRY(build_table(p, k, cells[k], err));
        }
    }
    *parzen = p;
    p = NULL;
    return 0;
}

/* ---- density --------------------------------------------------------------------------------- */
ALWAYS_INLINE void add_number(const struct parzen *p, size_t k, double at, double *restrict terms)
{
    const double *mean = p->mean + k * p->n;
    const double *inverse = p->inverse + k * p->n;
    const double *constant = p->constant + k * p->n;
    const struct mass_table *t = &p->tables[k];

    if (t->cells > 0) {
        uint64_t c = cell_of(at, t->cells);
        for (size_t i = 0; i < p->n; i++) {
            terms[i] += t->rows[t->row[i] * t->cells + c];
        }
        return;
    }
    for (size_t i = 0; i < p->n; i++) {
        double z = (at - mean[i]) * inverse[i];
        terms[i] += constant[i] - 0.5 * z * z;
    }
}

/* The share of one choice. */
static double share_of(const struct parzen_category *category, int32_t code)
{
    return category->shares[code] - (code > 0 ? category->shares[code - 1] : 0.0);
}

/* The same where the choices have shares of the prior. */
static void add_weighted_category(const struct parzen *p, size_t k, int32_t code, double terms[])
{
    const struct parzen_category *category = &p->categories[k];
    double share = share_of(category, code);
    double base = (double)category->choices / (double)p->n;
    double match = log((1.0 + base * share) / (1.0 + base));
    double other = log(base * share / (1.0 + base));

    for (size_t i = 0; i + 1 < p->n; i++) {
        int32_t own = p->x.cat[k + i * p->n_cat];
        terms[i] += own < 0 ? log(share) : own == code ? match : other;
    }
    terms[p->n - 1] += log(share);
}

ALWAYS_INLINE void add_category(const struct parzen *p, size_t k, int32_t code,
                                double *restrict terms)
{
    const int32_t *own = p->x.cat + k;
    size_t step = p->n_cat;

    if (p->categories[k].shares != NULL) {
        add_weighted_category(p, k, code, terms);
        return;
    }
    for (size_t i = 0; i + 1 < p->n; i++) {
        int32_t c = own[i * step];
        terms[i] += c < 0 ? p->uniform[k] : c == code ? p->match[k] : p->other[k];
    }
    terms[p->n - 1] += p->uniform[k];
}

/* ln Σ exp(terms), in four partial sums so that it compiles to vector code; overwrites the terms.
 */
ALWAYS_INLINE double log_sum(size_t n, double *restrict terms)
{
    double top[4] = {terms[0], terms[0], terms[0], terms[0]};
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        for (size_t k = 0; k < 4; k++) {
            top[k] = terms[i + k] > top[k] ? terms[i + k] : top[k];
        }
    }
    for (; i < n; i++) {
        top[0] = terms[i] > top[0] ? terms[i] : top[0];
    }
    double greatest = fmax(fmax(top[0], top[1]), fmax(top[2], top[3]));
    for (i = 0; i < n; i++) {
        terms[i] = exp_minus(greatest - terms[i]);
    }
    for (i = 0; i + 4 <= n; i += 4) {
        for (size_t k = 0; k < 4; k++) {
            sum[k] += terms[i + k];
        }
    }
    for (; i < n; i++) {
        sum[0] += terms[i];
    }
    return greatest + log((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

ALWAYS_INLINE double log_density(const struct parzen *p, const double num[], const int32_t cat[])
{
    memcpy(p->terms, p->log_weight, p->n * sizeof *p->terms);
    for (size_t k = 0; k < p->n_num; k++) {
        if (!isnan(num[k])) {
            add_number(p, k, num[k], p->terms);
        }
    }
    for (size_t k = 0; k < p->n_cat; k++) {
        if (cat[k] >= 0) {
            add_category(p, k, cat[k], p->terms);
        }
    }
    return log_sum(p->n, p->terms);
}

static double density_any(const struct parzen *p, const double num[], const int32_t cat[])
{
    return log_density(p, num, cat);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static double density_avx2(const struct parzen *p,
                                                           const double num[], const int32_t cat[])
{
    return log_density(p, num, cat);
}
#endif

void parzen_log_density(const struct parzen *parzen, const struct points *q, double value[])
{
    double (*density)(const struct parzen *, const double[], const int32_t[]) = density_any;

#if defined(__x86_64__)
    if (processor_has_avx2()) {
        density = density_avx2;
    }
#endif
    for (size_t j = 0; j < q->n; j++) {
        value[j] = density(parzen, points_num(q, j), points_cat(q, j));
    }
}

/* ---- drawing --------------------------------------------------------------------------------- */
static double draw_number(const struct parzen *p, size_t i, size_t k, struct rng *rng)
{
    double mean = p->mean[k * p->n + i];
    double width = p->width[k * p->n + i];
    double u = rng_uniform(rng);

    if (isinf(width) || i + 1 == p->n) {
        return u;
    }
    double low = normal_cdf(-mean / width);
    double high = normal_cdf((1.0 - mean) / width);
    double z = normal_quantile(fmin(fmax(low + u * (high - low), 1e-15), 1.0 - 1e-15));
    return fmin(fmax(mean + width * z, 0.0), 1.0);
}

/* A choice of the prior. */
static int32_t draw_prior(const struct parzen_category *category, struct rng *rng)
{
    if (category->shares == NULL) {
        return (int32_t)rng_below(rng, category->choices);
    }
    return (int32_t)share_find(category->shares, category->choices, rng_uniform(rng));
}

static int32_t draw_category(const struct parzen *p, size_t i, size_t k, struct rng *rng)
{
    int32_t own = i + 1 == p->n ? -1 : points_cat(&p->x, i)[k];
    double u = rng_uniform(rng);
    int32_t any = draw_prior(&p->categories[k], rng);
    double keep = (double)p->n / (double)(p->n + p->categories[k].choices);

    return own >= 0 && u < keep ? own : any;
}

void parzen_draw(const struct parzen *parzen, struct rng *rng, double num[], int32_t cat[])
{
    size_t low = share_find(parzen->cumulative, parzen->n, rng_uniform(rng));

    for (size_t k = 0; k < parzen->n_num; k++) {
        num[k] = draw_number(parzen, low, k, rng);
    }
    for (size_t k = 0; k < parzen->n_cat; k++) {
        cat[k] = draw_category(parzen, low, k, rng);
    }
}
