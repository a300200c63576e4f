#include "server/suggester/curve.h"

#include <stdlib.h>

#include "common/array.h"
#include "server/strategy/gp/forecast.h"

void learning_curve_finish(struct learning_curve *curve)
{
    free(curve->points);
    curve->points = NULL;
    curve->n = 0;
    curve->cap = 0;
}

/* Does no model look at the earlier step once the later one is there? */
static bool is_covered(const struct study_def *study, int64_t earlier, int64_t later)
{
    int64_t levels[64];
    size_t n = forecast_levels(study, 3.0, levels);
    int64_t below = forecast_level_below(study, 3.0);

    if (earlier <= below && below < later) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (earlier <= levels[i] && levels[i] < later) {
            return false;
        }
    }
    return true;
}

int learning_curve_add(struct learning_curve *curve, int64_t step, double value, struct err *err)
{
    for (size_t i = curve->n; i-- > 0 && curve->points[i].step >= step;) {
        if (curve->points[i].step == step) {
            curve->points[i].value = value;
        }
    }
    if (curve->n > 0 && curve->points[curve->n - 1].step >= step) {
        return 0;
    }
    if (curve->n > 0 && is_covered(curve->study, curve->points[curve->n - 1].step, step)) {
        curve->points[curve->n - 1] = (struct curve_point){step, value};
        return 0;
    }
    TRY(array_reserve(&curve->points, curve->n, &curve->cap, sizeof *curve->points, err));
    curve->points[curve->n++] = (struct curve_point){step, value};
    return 0;
}
