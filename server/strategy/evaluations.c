#include "server/strategy/evaluations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_number(const void *a, const void *b)
{
    int64_t x = (*(const struct observation *const *)a)->number;
    int64_t y = (*(const struct observation *const *)b)->number;

    return (x > y) - (x < y);
}

static bool is_sorted(size_t n, const struct observation *const seen[])
{
    for (size_t i = 1; i < n; i++) {
        if (seen[i - 1]->number > seen[i]->number) {
            return false;
        }
    }
    return true;
}

/* The slot of the key, or the free slot where it belongs. The table is at most half full. */
static struct known_config *find(const struct evaluations *e, struct space_key key)
{
    size_t at = (size_t)(key.a ^ key.b) & (e->n_slots - 1);

    while (e->slots[at].is_taken && (e->slots[at].key.a != key.a || e->slots[at].key.b != key.b)) {
        at = (at + 1) & (e->n_slots - 1);
    }
    return &e->slots[at];
}

static int by_cost(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

bool study_stops_trials_early(const struct study_def *study)
{
    return study->has_resource && strcmp(study_strategy(study), "bayesian") != 0;
}

double objective_from_cost(const struct study_def *study, double cost)
{
    return study_cost(study, cost); /* the change of sign is its own inverse */
}

double value_from_cost(const struct study_def *study, size_t objective, double cost)
{
    return study_objective_cost(study, objective, cost);
}

static int allocate(struct evaluations *e, size_t n_objectives, size_t n, struct err *err)
{
    *e = (struct evaluations){0};
    e->done = calloc(n + 1, sizeof *e->done);
    e->cost = calloc(n_objectives * (n + 1), sizeof *e->cost);
    e->measured = calloc(n + 1, sizeof *e->measured);
    e->step = calloc(n + 1, sizeof *e->step);
    e->complete = calloc(n + 1, sizeof *e->complete);
    e->done_observed = calloc(n + 1, sizeof *e->done_observed);
    e->pending_observed = calloc(n + 1, sizeof *e->pending_observed);
    e->failed = calloc(n + 1, sizeof *e->failed);
    e->failed_observed = calloc(n + 1, sizeof *e->failed_observed);
    e->unexplained = calloc(n + 1, sizeof *e->unexplained);
    e->feasible = calloc(n + 1, sizeof *e->feasible);
    e->pending = calloc(n + 1, sizeof *e->pending);
    e->n_slots = 2;
    while (e->n_slots < 2 * n) {
        e->n_slots *= 2;
    }
    e->slots = calloc(e->n_slots, sizeof *e->slots);
    if (e->done == NULL || e->cost == NULL || e->measured == NULL || e->step == NULL
        || e->complete == NULL || e->failed == NULL || e->done_observed == NULL
        || e->pending_observed == NULL || e->pending == NULL || e->slots == NULL
        || e->failed_observed == NULL || e->feasible == NULL || e->unexplained == NULL) {
        evaluations_finish(e);
        return err_set(err, ERR_NOMEM, "no memory for a history of %zu trials", n);
    }
    for (size_t k = 0; k < n_objectives; k++) {
        e->costs[k] = e->cost + k * (n + 1);
    }
    return 0;
}

/* Takes a trial with a finite value of each objective. */
static void add_done(struct evaluations *e, const struct study_def *study,
                     const struct observation *seen)
{
    size_t i = e->n_done;

    for (size_t k = 0; k < study->n_objectives; k++) {
        e->costs[k][i] = study_objective_cost(study, k, observation_value(seen, k));
        if (!isfinite(e->costs[k][i])) {
            return;
        }
    }
    e->complete[i] = seen->kind == OBSERVED_COMPLETED;
    e->feasible[i] =
        e->complete[i] && study_feasibility(study, observation_all_bounded(seen)) == FEASIBLE;
    e->n_feasible += e->feasible[i];
    e->measured[i] = e->cost[i];
    e->step[i] = seen->step;
    e->done_observed[i] = seen;
    e->done[i] = seen->config;
    e->n_done++;
}

static void add_observation(struct evaluations *e, const struct study_def *study,
                            const struct observation *seen)
{
    struct space_key key = space_config_key(study->space, seen->config);
    *find(e, key) = (struct known_config){.is_taken = true, .key = key};
    if (seen->kind == OBSERVED_PENDING) {
        e->pending_observed[e->n_pending] = seen;
        e->pending[e->n_pending++] = seen->config;
        return;
    }
    e->n_finished++;
    switch (seen->kind) {
    case OBSERVED_COMPLETED:
    case OBSERVED_PRUNED:
        add_done(e, study, seen);
        break;
    case OBSERVED_FAILED:
    case OBSERVED_INFEASIBLE:
        e->failed_observed[e->n_failed] = seen;
        e->failed[e->n_failed++] = seen->config;
        if (study_feasibility(study, observation_all_bounded(seen)) != VIOLATES) {
            e->unexplained[e->n_unexplained++] = seen;
        }
        break;
    case OBSERVED_PENDING:
    default:
        break;
    }
}

/* Raises the costs of pruned trials to the median of the complete ones, at most to their worst. */
static int raise_pruned(struct evaluations *e, double cost[], struct err *err)
{
    OWN(memory) double *sorted = calloc(e->n_done + 1, sizeof *sorted);
    size_t n = 0;

    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a history");
    }
    for (size_t i = 0; i < e->n_done; i++) {
        if (e->complete[i]) {
            sorted[n++] = cost[i];
        }
    }
    if (n == 0 || n == e->n_done) {
        return 0;
    }
    qsort(sorted, n, sizeof *sorted, by_cost);
    for (size_t i = 0; i < e->n_done; i++) {
        if (!e->complete[i]) {
            cost[i] = fmin(fmax(cost[i], sorted[n / 2]), sorted[n - 1]);
        }
    }
    return 0;
}

static void find_best(struct evaluations *e, size_t n_objectives)
{
    e->best = e->n_done;
    for (size_t i = 0; i < e->n_done && n_objectives == 1; i++) {
        if (e->feasible[i] && (e->best == e->n_done || e->cost[i] < e->cost[e->best])) {
            e->best = i;
        }
    }
}

int evaluations_init(struct evaluations *evaluations, const struct study_def *study,
                     const struct history *seen, struct err *err)
{
    OWN(memory) const struct observation **sorted = calloc(seen->n + 1, sizeof *sorted);

    *evaluations = (struct evaluations){0};
    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a history of %zu trials", seen->n);
    }
    TRY(allocate(evaluations, study->n_objectives, seen->n, err));
    for (size_t i = 0; i < seen->n; i++) {
        sorted[i] = &seen->items[i];
    }
    if (!is_sorted(seen->n, sorted)) {
        qsort(sorted, seen->n, sizeof *sorted, by_number);
    }
    for (size_t i = 0; i < seen->n; i++) {
        add_observation(evaluations, study, sorted[i]);
    }
    find_best(evaluations, study->n_objectives);
    for (size_t k = 0; k < study->n_objectives; k++) {
        TRY(raise_pruned(evaluations, evaluations->costs[k], err));
    }
    return 0;
}

void evaluations_finish(struct evaluations *evaluations)
{
    free(evaluations->done);
    free(evaluations->cost);
    free(evaluations->measured);
    free(evaluations->step);
    free(evaluations->complete);
    free(evaluations->done_observed);
    free(evaluations->pending_observed);
    free(evaluations->failed);
    free(evaluations->failed_observed);
    free(evaluations->unexplained);
    free(evaluations->feasible);
    free(evaluations->pending);
    free(evaluations->slots);
    *evaluations = (struct evaluations){0};
}

bool evaluations_contain(const struct evaluations *evaluations, struct space_key key)
{
    return find(evaluations, key)->is_taken;
}
