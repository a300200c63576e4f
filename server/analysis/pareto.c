#include "server/analysis/pareto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/nondominated_marks.h"

enum { FIRST_CAP = 1024 };

void pareto_front_init(struct pareto_front *front, const struct study_def *def)
{
    *front = (struct pareto_front){.def = def};
}

void pareto_front_finish(struct pareto_front *front)
{
    free(front->numbers);
    free(front->costs);
    front->numbers = NULL;
    front->costs = NULL;
}

/* False: it cannot be on the front. */
static bool read_costs(const struct study_def *def, const struct trial_row *row, double costs[])
{
    if (study_feasibility(def, trial_row_bounded(row)) != FEASIBLE) {
        return false;
    }
    for (size_t k = 0; k < def->n_objectives; k++) {
        if (k >= row->n_values || !isfinite(row->values[k])) {
            return false;
        }
        costs[k] = study_objective_cost(def, k, row->values[k]);
    }
    return true;
}

static int grow(struct pareto_front *front, struct err *err)
{
    size_t cap = front->cap == 0 ? FIRST_CAP : front->cap * 2;
    size_t m = front->def->n_objectives;
    int64_t *numbers = realloc(front->numbers, cap * sizeof *numbers);

    front->numbers = numbers != NULL ? numbers : front->numbers;
    double *costs = realloc(front->costs, cap * m * sizeof *costs);
    front->costs = costs != NULL ? costs : front->costs;
    if (numbers == NULL || costs == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for the front");
    }
    front->cap = cap;
    return 0;
}

int pareto_front_reduce(struct pareto_front *front, struct err *err)
{
    size_t m = front->def->n_objectives;
    OWN(memory) bool *is_dominated = calloc(front->n + 1, sizeof *is_dominated);
    size_t kept = 0;

    if (is_dominated == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for the front");
    }
    if (front->n == front->n_reduced) {
        return 0;
    }
    TRY(nondominated_marks(front->n, m, front->costs, is_dominated, err));
    for (size_t i = 0; i < front->n; i++) {
        if (!is_dominated[i]) {
            front->numbers[kept] = front->numbers[i];
            memmove(front->costs + kept++ * m, front->costs + i * m, m * sizeof *front->costs);
        }
    }
    front->n = kept;
    front->n_reduced = kept;
    return 0;
}

/* Where most of what there is room for is dominated, no more room is needed. */
static int make_room(struct pareto_front *front, struct err *err)
{
    if (front->n < front->cap) {
        return 0;
    }
    if (front->cap > 0) {
        TRY(pareto_front_reduce(front, err));
    }
    return front->n > front->cap / 2 || front->cap == 0 ? grow(front, err) : 0;
}

int pareto_front_add(void *context, struct trial_row *row, struct err *err)
{
    struct pareto_front *front = context;
    double costs[OBJECTIVES_MAX];

    if (!read_costs(front->def, row, costs)) {
        return 0;
    }
    TRY(make_room(front, err));
    memcpy(front->costs + front->n * front->def->n_objectives, costs,
           front->def->n_objectives * sizeof *costs);
    front->numbers[front->n++] = trial_id_number(row->id);
    return 0;
}
