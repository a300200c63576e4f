#include "server/strategy/objective_costs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/nondominated.h"

/* ---- reading --------------------------------------------------------------------------------- */

/* row ← the costs of an observation; false: one of them is not finite. */
static bool read_costs(const struct study_def *study, const struct observation *seen, double row[])
{
    for (size_t k = 0; k < study->n_objectives; k++) {
        row[k] = study_objective_cost(study, k, observation_value(seen, k));
        if (!isfinite(row[k])) {
            return false;
        }
    }
    return true;
}

int objective_costs_init(struct objective_costs *costs, const struct study_data *data,
                         struct err *err)
{
    const struct evaluations *evaluations = &data->evaluations;
    size_t n = evaluations->n_done;

    *costs = (struct objective_costs){.evaluations = evaluations, .m = data->study->n_objectives};
    costs->done = calloc(n + 1, sizeof *costs->done);
    costs->cost = calloc(n * costs->m + 1, sizeof *costs->cost);
    costs->violation = calloc(n + 1, sizeof *costs->violation);
    if (costs->done == NULL || costs->cost == NULL || costs->violation == NULL) {
        objective_costs_finish(costs);
        return err_set(err, ERR_NOMEM, "no memory for the costs of %zu trials", n);
    }
    for (size_t i = 0; i < n; i++) {
        const struct observation *seen = evaluations->done_observed[i];
        if (read_costs(data->study, seen, costs->cost + costs->n * costs->m)) {
            costs->violation[costs->n] =
                study_violation(data->study, observation_all_bounded(seen));
            costs->done[costs->n++] = i;
        }
    }
    return 0;
}

void objective_costs_finish(struct objective_costs *costs)
{
    free(costs->done);
    free(costs->cost);
    free(costs->violation);
    *costs = (struct objective_costs){0};
}

/* ---- domination ------------------------------------------------------------------------------ */

/* What is compared before the costs are. */
struct standing {
    size_t item;
    bool is_pruned;
    int64_t step; /* of a pruned trial; 0 for a completed one */
    double violation;
    size_t front;
    double crowding;
};

static struct standing standing_of(const struct objective_costs *costs, size_t item)
{
    const struct evaluations *e = costs->evaluations;
    size_t done = costs->done[item];

    return (struct standing){.item = item,
                             .is_pruned = !e->complete[done],
                             .step = e->complete[done] ? 0 : e->step[done],
                             .violation = costs->violation[item]};
}

/* By all that comes before the front. */
static int compare_class(const struct standing *x, const struct standing *y)
{
    if (x->is_pruned != y->is_pruned) {
        return x->is_pruned - y->is_pruned;
    }
    if (x->step != y->step) {
        return x->step > y->step ? -1 : 1;
    }
    return (x->violation > y->violation) - (x->violation < y->violation);
}

static int by_standing(const void *a, const void *b)
{
    const struct standing *x = a;
    const struct standing *y = b;
    int order = compare_class(x, y);

    if (order == 0 && x->front != y->front) {
        order = x->front < y->front ? -1 : 1;
    }
    if (order == 0) {
        order = (x->crowding < y->crowding) - (x->crowding > y->crowding);
    }
    return order != 0 ? order : (x->item > y->item) - (x->item < y->item);
}

/* Sets front and crowding of n trials of one class. */
static int rank_class(const struct objective_costs *costs, size_t n, struct standing standings[],
                      struct err *err)
{
    size_t m = costs->m;
    OWN(memory) double *y = calloc(n * m + 1, sizeof *y);
    OWN(memory) size_t *rank = calloc(n + 1, sizeof *rank);
    OWN(memory) double *crowding = calloc(n + 1, sizeof *crowding);

    if (y == NULL || rank == NULL || crowding == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to sort %zu trials", n);
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(y + i * m, costs->cost + standings[i].item * m, m * sizeof *y);
    }
    TRY(nondominated_ranks(n, m, y, rank, err));
    TRY(nondominated_crowding(n, m, y, rank, crowding, err));
    for (size_t i = 0; i < n; i++) {
        standings[i].front = rank[i];
        standings[i].crowding = crowding[i];
    }
    return 0;
}

int objective_costs_sort(const struct objective_costs *costs, size_t n, size_t items[],
                         struct err *err)
{
    OWN(memory) struct standing *standings = calloc(n + 1, sizeof *standings);

    if (standings == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to sort %zu trials", n);
    }
    for (size_t i = 0; i < n; i++) {
        standings[i] = standing_of(costs, items[i]);
    }
    qsort(standings, n, sizeof *standings, by_standing);
    for (size_t from = 0, to; from < n; from = to) {
        to = from + 1;
        while (to < n && compare_class(&standings[from], &standings[to]) == 0) {
            to++;
        }
        TRY(rank_class(costs, to - from, standings + from, err));
    }
    qsort(standings, n, sizeof *standings, by_standing);
    for (size_t i = 0; i < n; i++) {
        items[i] = standings[i].item;
    }
    return 0;
}
