#include "server/strategy/encoding.h"

#include <math.h>
#include <stdlib.h>

#include "server/domain/transfer.h"

/* A number with more values is searched as if it were continuous, and then rounded. */
enum { SMOOTH_CELLS = 50 };

void encoding_finish(struct encoding *encoding)
{
    free(encoding->num);
    free(encoding->cat);
    free(encoding->cell);
    free(encoding->is_cat);
    free(encoding->is_smooth);
    *encoding = (struct encoding){0};
}

static void add_param(struct encoding *encoding, size_t i)
{
    const struct param *param = &encoding->space->params[i];

    encoding->cell[i] = param->n_cells == 0 ? 0.0 : 1.0 / (double)param->n_cells;
    encoding->cells_total *= param->n_cells == 0 ? (double)INFINITY : (double)param->n_cells;
    /* with one value left, results of the removed ones still differ from its own */
    if ((param->n_cells == 1 && param->live == NULL) || param->type == PARAM_CONSTANT) {
        return;
    }
    if ((param->type == PARAM_CATEGORICAL && !param->listed) || param->type == PARAM_BOOL) {
        encoding->is_cat[i] = true;
        encoding->cat[encoding->n_cat++] = i;
    } else {
        encoding->is_smooth[i] = param->n_cells == 0 || param->n_cells > SMOOTH_CELLS;
        encoding->num[encoding->n_num++] = i;
    }
}

int encoding_init(struct encoding *encoding, const struct space *space, struct err *err)
{
    size_t n = space->n_params;

    *encoding = (struct encoding){.space = space, .cells_total = 1.0};
    encoding->num = calloc(n + 1, sizeof *encoding->num);
    encoding->cat = calloc(n + 1, sizeof *encoding->cat);
    encoding->cell = calloc(n + 1, sizeof *encoding->cell);
    encoding->is_cat = calloc(n + 1, sizeof *encoding->is_cat);
    encoding->is_smooth = calloc(n + 1, sizeof *encoding->is_smooth);
    if (encoding->num == NULL || encoding->cat == NULL || encoding->cell == NULL
        || encoding->is_cat == NULL || encoding->is_smooth == NULL) {
        encoding_finish(encoding);
        return err_set(err, ERR_NOMEM, "no memory for %zu parameters", n);
    }
    for (size_t i = 0; i < n; i++) {
        add_param(encoding, i);
    }
    return 0;
}

/* Where a number outside its range stands: beyond the unit interval, by at most its width. */
static double place_of(const struct param *param, double value)
{
    bool is_inside = param->n_choices > 0 || (value >= param->low && value <= param->high);

    if (is_inside) {
        return param_encode(param, value);
    }
    double at = transfer_place(param, value);
    if (isnan(at)) { /* it has no logarithm */
        return value < param->low ? -1.0 : 2.0;
    }
    return fmin(fmax(at, -1.0), 2.0);
}

void encoding_put(const struct encoding *encoding, const double config[], struct points *points,
                  size_t i)
{
    double *num = points_num(points, i);
    int32_t *cat = points_cat(points, i);
    bool *active = points_active(points, i);

    for (size_t k = 0; k < encoding->n_num; k++) {
        size_t p = encoding->num[k];
        active[k] = !isnan(config[p]);
        num[k] = isnan(config[p]) ? 0.5 : place_of(&encoding->space->params[p], config[p]);
    }
    for (size_t k = 0; k < encoding->n_cat; k++) {
        size_t p = encoding->cat[k];
        active[encoding->n_num + k] = !isnan(config[p]);
        cat[k] =
            (int32_t)(isnan(config[p]) ? (double)encoding->space->params[p].n_choices : config[p]);
    }
}

double encoding_cell_value(const struct param *param, uint64_t c)
{
    bool is_number = (param->type == PARAM_FLOAT || param->type == PARAM_INT) && !param->listed;

    if (!is_number) {
        return param_cell_value(param, c);
    }
    double step = param->step > 0.0 ? param->step : 1.0;
    return fmin(param->low + (double)c * step, param->high);
}
