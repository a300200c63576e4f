#include "server/strategy/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/radix_sort.h"

enum { FEW = 32 };

int candidates_init(struct candidates *candidates, const struct encoding *encoding, size_t cap,
                    struct err *err)
{
    size_t d = encoding->space->n_params;

    *candidates = (struct candidates){.encoding = encoding, .cap = cap, .n_params = d};
    candidates->config = calloc(d * cap + 1, sizeof *candidates->config);
    candidates->u = calloc(d * cap + 1, sizeof *candidates->u);
    candidates->score = calloc(cap + 1, sizeof *candidates->score);
    if (candidates->config == NULL || candidates->u == NULL || candidates->score == NULL
        || points_init(&candidates->points, encoding->n_num, encoding->n_cat, cap, NULL) != 0) {
        candidates_finish(candidates);
        return err_set(err, ERR_NOMEM, "no memory for %zu candidates", cap);
    }
    return 0;
}

void candidates_finish(struct candidates *candidates)
{
    free(candidates->config);
    free(candidates->u);
    free(candidates->score);
    points_finish(&candidates->points);
    *candidates = (struct candidates){0};
}

const double *candidates_config(const struct candidates *candidates, size_t i)
{
    return candidates->config + i * candidates->n_params;
}

const double *candidates_u(const struct candidates *candidates, size_t i)
{
    return candidates->u + i * candidates->n_params;
}

/* The configuration that is written next. */
static double *next_config(struct candidates *candidates)
{
    return candidates->config + candidates->n * candidates->n_params;
}

/* Accepts the configuration at next_config() if it is legal. */
static bool accept(struct candidates *candidates)
{
    const double *config = next_config(candidates);
    double *u = candidates->u + candidates->n * candidates->n_params;

    if (!space_satisfies(candidates->encoding->space, config)) {
        return false;
    }
    space_encode(candidates->encoding->space, config, u);
    encoding_put(candidates->encoding, config, &candidates->points, candidates->n);
    candidates->n++;
    candidates->points.n = candidates->n;
    return true;
}

bool candidates_add(struct candidates *candidates, const double u[])
{
    if (candidates->n == candidates->cap) {
        return false;
    }
    space_decode(candidates->encoding->space, u, next_config(candidates));
    return accept(candidates);
}

bool candidates_add_config(struct candidates *candidates, const double config[])
{
    if (candidates->n == candidates->cap) {
        return false;
    }
    memcpy(next_config(candidates), config, candidates->n_params * sizeof *config);
    return accept(candidates);
}

struct points candidates_unscored(const struct candidates *candidates)
{
    struct points part = candidates->points;

    part.active += candidates->n_scored * (part.n_num + part.n_cat);
    part.num += candidates->n_scored * part.n_num;
    part.cat += candidates->n_scored * part.n_cat;
    part.n = candidates->n - candidates->n_scored;
    return part;
}

void candidates_scored(struct candidates *candidates)
{
    candidates->n_scored = candidates->n;
}

static bool is_same(const struct candidates *candidates, size_t i, size_t j)
{
    const double *a = candidates_u(candidates, i);
    const double *b = candidates_u(candidates, j);

    for (size_t k = 0; k < candidates->n_params; k++) {
        if (a[k] < b[k] || a[k] > b[k]) {
            return false;
        }
    }
    return true;
}

/* For many: sorts all. */
static size_t sort_best(const struct candidates *candidates, size_t k, size_t order[])
{
    OWN(memory) struct radix_item *all = calloc(2 * candidates->n_scored + 1, sizeof *all);
    size_t n_all = 0;
    size_t n = 0;

    if (all == NULL) {
        return CANDIDATES_NO_MEMORY;
    }
    for (size_t i = 0; i < candidates->n_scored; i++) {
        if (!isnan(candidates->score[i])) {
            all[n_all++] = (struct radix_item){radix_key(-candidates->score[i]), i};
        }
    }
    radix_sort(n_all, all, all + n_all);
    for (size_t i = 0; i < n_all && n < k; i++) {
        size_t at = all[i].index;
        bool is_tie = n > 0 && candidates->score[order[n - 1]] <= candidates->score[at];
        if (!is_tie || !is_same(candidates, order[n - 1], at)) {
            order[n++] = at;
        }
    }
    return n;
}

/* For few: most candidates need one comparison, with the last of the best. */
static size_t insert_best(const struct candidates *candidates, size_t k, size_t order[])
{
    size_t n = 0;

    for (size_t i = 0; i < candidates->n_scored; i++) {
        double score = candidates->score[i];
        if (isnan(score) || (n == k && score <= candidates->score[order[n - 1]])) {
            continue;
        }
        size_t at = n;
        while (at > 0 && candidates->score[order[at - 1]] < score) {
            at--;
        }
        if (at > 0 && candidates->score[order[at - 1]] <= score
            && is_same(candidates, order[at - 1], i)) {
            continue;
        }
        size_t last = n < k ? n++ : k - 1;
        memmove(order + at + 1, order + at, (last - at) * sizeof *order);
        order[at] = i;
    }
    return n;
}

size_t candidates_best(const struct candidates *candidates, size_t k, size_t order[])
{
    return k > FEW ? sort_best(candidates, k, order) : insert_best(candidates, k, order);
}

/* ---- finite spaces --------------------------------------------------------------------------- */
/* Moves to the next combination of values; false after the last one. */
static bool advance(const struct space *space, uint64_t cell[])
{
    for (size_t i = space->n_params; i-- > 0;) {
        if (++cell[i] < space->params[i].n_cells) {
            return true;
        }
        cell[i] = 0;
    }
    return false;
}

/* Of all combinations with one configuration the first counts: its inactive parameters are at value
 * 0. */
static bool is_canonical(const struct space *space, const double config[], const uint64_t cell[])
{
    for (size_t i = 0; i < space->n_params; i++) {
        if (isnan(config[i]) && cell[i] != 0) {
            return false;
        }
    }
    return true;
}

int candidates_enumerate(struct candidates *candidates, const struct encoding *encoding,
                         bool (*skip)(const void *context, const double config[]),
                         const void *context, struct err *err)
{
    const struct space *space = encoding->space;
    OWN(memory) uint64_t *cell = calloc(space->n_params + 1, sizeof *cell);
    OWN(memory) double *config = calloc(space->n_params + 1, sizeof *config);

    if (cell == NULL || config == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    TRY(candidates_init(candidates, encoding, (size_t)encoding->cells_total, err));
    do {
        for (size_t i = 0; i < space->n_params; i++) {
            config[i] = encoding_cell_value(&space->params[i], cell[i]);
        }
        (void)space_activate(space, config);
        if (is_canonical(space, config, cell) && space_satisfies(space, config)
            && !skip(context, config)) {
            (void)candidates_add_config(candidates, config);
        }
    } while (advance(space, cell));
    return 0;
}
