#include "server/analysis/pareto.h"

#include <math.h>
#include <stdlib.h>

#include "server/model/nondominated.h"

void pareto_front_init(struct pareto_front *front, const struct study_def *def)
{
    *front = (struct pareto_front){.def = def, .n_objectives = def->n_objectives};
    for (size_t i = 0; i < def->n_objectives; i++) {
        front->directions[i] = def->objectives[i].direction;
    }
}

void pareto_front_finish(struct pareto_front *front)
{
    free(front->points);
    front->points = NULL;
}

/* False: it cannot be on the front. */
static bool point_of_row(const struct pareto_front *front, const struct trial_row *row,
                         struct pareto_point *point)
{
    *point = (struct pareto_point){.number = trial_id_number(row->id)};
    if (study_feasibility(front->def, trial_row_bounded(row)) != FEASIBLE) {
        return false;
    }
    for (size_t i = 0; i < front->n_objectives; i++) {
        if (i >= row->n_values || !isfinite(row->values[i])) {
            return false;
        }
        point->costs[i] =
            front->directions[i] == DIRECTION_MAXIMIZE ? -row->values[i] : row->values[i];
    }
    return true;
}

static int append(struct pareto_front *front, const struct pareto_point *point, struct err *err)
{
    if (front->n == front->cap) {
        size_t cap = front->cap == 0 ? 64 : front->cap * 2;
        struct pareto_point *points = realloc(front->points, cap * sizeof *points);
        if (points == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for the front");
        }
        front->points = points;
        front->cap = cap;
    }
    front->points[front->n++] = *point;
    return 0;
}

int pareto_front_add(void *context, struct trial_row *row, struct err *err)
{
    struct pareto_front *front = context;
    struct pareto_point point;
    size_t kept = 0;

    if (!point_of_row(front, row, &point)) {
        return 0;
    }
    for (size_t i = 0; i < front->n; i++) {
        if (nondominated_dominates(front->n_objectives, front->points[i].costs, point.costs)) {
            return 0; /* then the new point dominates none of the others */
        }
    }
    for (size_t i = 0; i < front->n; i++) {
        if (!nondominated_dominates(front->n_objectives, point.costs, front->points[i].costs)) {
            front->points[kept++] = front->points[i];
        }
    }
    front->n = kept;
    return append(front, &point, err);
}
