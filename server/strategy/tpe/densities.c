#include "server/strategy/tpe/densities.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/parzen.h"

enum { TABLE_CELLS = 50 }; /* numbers with at most so many values have masses, others densities */

struct density_group {
    size_t n_num, n_cat;
    size_t *num, *cat; /* parameters; one allocation: num's */
    uint64_t *cells;   /* of the numbers */
    struct parzen_category *categories;
    struct parzen *good, *others;
    struct points point; /* scratch for one */
};

static void group_finish(struct density_group *group)
{
    free(group->num);
    free(group->cells);
    free(group->categories);
    parzen_destroy(group->good);
    parzen_destroy(group->others);
    points_finish(&group->point);
}

void densities_finish(struct densities *densities)
{
    for (size_t i = 0; i < densities->n_groups; i++) {
        group_finish(&densities->groups[i]);
    }
    free(densities->groups);
    *densities = (struct densities){0};
}

/* ---- groups ---------------------------------------------------------------------------------- */
static bool is_same_condition(const struct condition *a, const struct condition *b)
{
    if (a->parent != b->parent || a->n_allowed != b->n_allowed) {
        return false;
    }
    for (size_t i = 0; i < a->n_allowed; i++) {
        if (a->allowed[i] < b->allowed[i] || a->allowed[i] > b->allowed[i]) {
            return false;
        }
    }
    return true;
}

static bool are_active_together(const struct param *a, const struct param *b)
{
    if (a->n_conditions != b->n_conditions) {
        return false;
    }
    for (size_t i = 0; i < a->n_conditions; i++) {
        if (!is_same_condition(&a->conditions[i], &b->conditions[i])) {
            return false;
        }
    }
    return true;
}

/* The parameter of the k-th dimension. */
static size_t param_of(const struct encoding *encoding, size_t k)
{
    return k < encoding->n_num ? encoding->num[k] : encoding->cat[k - encoding->n_num];
}

/* The number of values where they are few and equally wide on the unit interval, else 0. */
static uint64_t table_cells(const struct param *param)
{
    bool even = param->listed
                || (param->scale == SCALE_LINEAR && param->distribution == DISTRIBUTION_UNIFORM);

    return even && param->shares == NULL && param->n_cells <= TABLE_CELLS ? param->n_cells : 0;
}

static void add_param(const struct encoding *encoding, size_t i, struct density_group *group)
{
    const struct param *param = &encoding->space->params[i];

    if (encoding->is_cat[i]) {
        group->categories[group->n_cat] =
            (struct parzen_category){.choices = param->n_choices, .shares = param->shares};
        group->cat[group->n_cat++] = i;
    } else {
        group->cells[group->n_num] = table_cells(param);
        group->num[group->n_num++] = i;
    }
}

/* A group of `n` dimensions. */
static int fill_group(struct densities *d, size_t n, const size_t dims[], struct err *err)
{
    struct density_group *group = &d->groups[d->n_groups++];

    group->num = calloc(2 * n, sizeof *group->num);
    group->cells = calloc(n, sizeof *group->cells);
    group->categories = calloc(n, sizeof *group->categories);
    if (group->num == NULL || group->cells == NULL || group->categories == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    group->cat = group->num + n;
    for (size_t i = 0; i < n; i++) {
        add_param(d->encoding, param_of(d->encoding, dims[i]), group);
    }
    return points_init(&group->point, group->n_num, group->n_cat, 1, err);
}

/* dims ← those of the k-th dimension's group: itself and all later ones with the same conditions.
 */
static size_t find_group(const struct encoding *encoding, size_t k, bool taken[], size_t dims[])
{
    const struct param *params = encoding->space->params;
    size_t n = 0;

    for (size_t j = k; j < encoding_n_dims(encoding); j++) {
        if (!taken[j]
            && are_active_together(&params[param_of(encoding, j)],
                                   &params[param_of(encoding, k)])) {
            taken[j] = true;
            dims[n++] = j;
        }
    }
    return n;
}

static int init_groups(struct densities *d, struct err *err)
{
    size_t most = encoding_n_dims(d->encoding);
    OWN(memory) bool *taken = calloc(most + 1, sizeof *taken);
    OWN(memory) size_t *dims = calloc(most + 1, sizeof *dims);

    d->groups = calloc(most + 1, sizeof *d->groups);
    if (d->groups == NULL || taken == NULL || dims == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t k = 0; k < most; k++) {
        if (!taken[k]) {
            size_t n = find_group(d->encoding, k, taken, dims);
            TRY(fill_group(d, n, dims, err));
        }
    }
    return 0;
}

/* ---- mixtures -------------------------------------------------------------------------------- */
static bool is_active(const struct density_group *group, const double x[])
{
    return !isnan(x[group->n_num > 0 ? group->num[0] : group->cat[0]]);
}

static void put(const struct densities *d, const struct density_group *group, const double x[],
                struct points *points, size_t at)
{
    double *num = points_num(points, at);
    int32_t *cat = points_cat(points, at);

    for (size_t k = 0; k < group->n_num; k++) {
        num[k] = param_encode(&d->encoding->space->params[group->num[k]], x[group->num[k]]);
    }
    for (size_t k = 0; k < group->n_cat; k++) {
        const struct param *param = &d->encoding->space->params[group->cat[k]];
        double value = x[group->cat[k]];
        cat[k] = param_is_removed(param, value) ? -1 : (int32_t)value; /* then it says nothing */
    }
}

static int build_mixture(const struct densities *d, const struct density_group *group,
                         const struct density_data *data, struct parzen **parzen, struct err *err)
{
    OWN(points) struct points points = {0};
    OWN(memory) double *weights = calloc(data->n + 1, sizeof *weights);

    if (weights == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(points_init(&points, group->n_num, group->n_cat, data->n, err));
    for (size_t i = 0; i < data->n; i++) {
        if (is_active(group, data->configs[i])) {
            weights[points.n] = data->weights == NULL ? 1.0 : data->weights[i];
            put(d, group, data->configs[i], &points, points.n++);
        }
    }
    return parzen_create(&points, data->weights == NULL ? NULL : weights, group->cells,
                         group->categories, parzen, err);
}

int densities_init(struct densities *densities, const struct encoding *encoding,
                   const struct density_data *good, const struct density_data *others,
                   struct err *err)
{
    *densities = (struct densities){.encoding = encoding};
    TRY(init_groups(densities, err));
    for (size_t i = 0; i < densities->n_groups; i++) {
        struct density_group *group = &densities->groups[i];
        TRY(build_mixture(densities, group, good, &group->good, err));
        TRY(build_mixture(densities, group, others, &group->others, err));
    }
    return 0;
}

void densities_draw(const struct densities *densities, struct rng *rng, double u[])
{
    const struct param *params = densities->encoding->space->params;

    for (size_t i = 0; i < densities->encoding->space->n_params; i++) {
        u[i] = 0.5;
    }
    for (size_t i = 0; i < densities->n_groups; i++) {
        const struct density_group *group = &densities->groups[i];
        const double *num = group->point.num;
        const int32_t *cat = group->point.cat;
        parzen_draw(group->good, rng, group->point.num, group->point.cat);
        for (size_t k = 0; k < group->n_num; k++) {
            u[group->num[k]] = num[k];
        }
        for (size_t k = 0; k < group->n_cat; k++) {
            u[group->cat[k]] = param_encode(&params[group->cat[k]], (double)cat[k]);
        }
    }
}

void densities_of(const struct densities *densities, const double x[], double *log_good,
                  double *log_others)
{
    *log_good = 0.0;
    *log_others = 0.0;
    for (size_t i = 0; i < densities->n_groups; i++) {
        struct density_group *group = &densities->groups[i];
        double value;
        if (!is_active(group, x)) {
            continue;
        }
        group->point.n = 1;
        put(densities, group, x, &group->point, 0);
        parzen_log_density(group->good, &group->point, &value);
        *log_good += value;
        parzen_log_density(group->others, &group->point, &value);
        *log_others += value;
    }
}
