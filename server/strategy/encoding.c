#include "server/strategy/encoding.h"

#include <math.h>
#include <stdlib.h>

/* From this many values on a number is searched as if it were continuous, and then rounded. */
enum { SMOOTH_CELLS = 50 };

void axes_finish(struct axes *axes)
{
    free(axes->num);
    free(axes->cat);
    free(axes->cell);
    free(axes->is_cat);
    free(axes->is_smooth);
    *axes = (struct axes){0};
}

static void add(struct axes *f, size_t i)
{
    const struct param *param = &f->space->params[i];

    f->cell[i] = param->n_cells == 0 ? 0.0 : 1.0 / (double)param->n_cells;
    f->cells_total *= param->n_cells == 0 ? (double)INFINITY : (double)param->n_cells;
    if (param->n_cells == 1 || param->type == PARAM_CONSTANT) {
        return;
    }
    if ((param->type == PARAM_CATEGORICAL && !param->listed) || param->type == PARAM_BOOL) {
        f->is_cat[i] = true;
        f->cat[f->n_cat++] = i;
    } else {
        f->is_smooth[i] = param->n_cells == 0 || param->n_cells > SMOOTH_CELLS;
        f->num[f->n_num++] = i;
    }
}

int axes_init(struct axes *axes, const struct space *space, struct err *err)
{
    size_t n = space->n_params;

    *axes = (struct axes){.space = space, .cells_total = 1.0};
    axes->num = calloc(n + 1, sizeof *axes->num);
    axes->cat = calloc(n + 1, sizeof *axes->cat);
    axes->cell = calloc(n + 1, sizeof *axes->cell);
    axes->is_cat = calloc(n + 1, sizeof *axes->is_cat);
    axes->is_smooth = calloc(n + 1, sizeof *axes->is_smooth);
    if (axes->num == NULL || axes->cat == NULL || axes->cell == NULL || axes->is_cat == NULL
        || axes->is_smooth == NULL) {
        axes_finish(axes);
        return err_set(err, ERR_NOMEM, "no memory for %zu parameters", n);
    }
    for (size_t i = 0; i < n; i++) {
        add(axes, i);
    }
    return 0;
}

void axes_put(const struct axes *axes, const double x[], struct points *points, size_t i)
{
    double *num = points_num(points, i);
    int32_t *cat = points_cat(points, i);

    for (size_t k = 0; k < axes->n_num; k++) {
        size_t p = axes->num[k];
        num[k] = isnan(x[p]) ? 0.5 : param_encode(&axes->space->params[p], x[p]);
    }
    for (size_t k = 0; k < axes->n_cat; k++) {
        size_t p = axes->cat[k];
        cat[k] = (int32_t)(isnan(x[p]) ? (double)axes->space->params[p].n_choices : x[p]);
    }
}

double axes_cell(const struct param *param, uint64_t c)
{
    bool is_number = (param->type == PARAM_FLOAT || param->type == PARAM_INT) && !param->listed;

    if (!is_number) {
        return (double)c;
    }
    double step = param->step > 0.0 ? param->step : 1.0;
    return fmin(param->low + (double)c * step, param->high);
}
