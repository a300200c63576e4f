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

/* Where the key stands, or the free slot where it would. The table is at most half full. */
static struct tried *find(const struct trials *t, struct space_key key)
{
    size_t at = (size_t)(key.a ^ key.b) & (t->n_slots - 1);

    while (t->slots[at].is_taken && (t->slots[at].key.a != key.a || t->slots[at].key.b != key.b)) {
        at = (at + 1) & (t->n_slots - 1);
    }
    return &t->slots[at];
}

static int by_cost(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

bool trials_may_stop(const struct study_def *study)
{
    return study->has_resource && strcmp(study_strategy(study), "bayesian") != 0;
}

double trials_value(const struct study_def *study, double cost)
{
    return study->objectives[0].direction == DIRECTION_MAXIMIZE ? -cost : cost;
}

static int allocate(struct trials *t, size_t n, struct err *err)
{
    *t = (struct trials){0};
    t->done = calloc(n + 1, sizeof *t->done);
    t->cost = calloc(n + 1, sizeof *t->cost);
    t->measured = calloc(n + 1, sizeof *t->measured);
    t->step = calloc(n + 1, sizeof *t->step);
    t->complete = calloc(n + 1, sizeof *t->complete);
    t->done_seen = calloc(n + 1, sizeof *t->done_seen);
    t->pending_seen = calloc(n + 1, sizeof *t->pending_seen);
    t->failed = calloc(n + 1, sizeof *t->failed);
    t->pending = calloc(n + 1, sizeof *t->pending);
    t->n_slots = 2;
    while (t->n_slots < 2 * n) {
        t->n_slots *= 2;
    }
    t->slots = calloc(t->n_slots, sizeof *t->slots);
    if (t->done == NULL || t->cost == NULL || t->measured == NULL || t->step == NULL
        || t->complete == NULL || t->failed == NULL || t->done_seen == NULL
        || t->pending_seen == NULL || t->pending == NULL || t->slots == NULL) {
        trials_finish(t);
        return err_set(err, ERR_NOMEM, "no memory for a history of %zu trials", n);
    }
    return 0;
}

static void add(struct trials *t, const struct study_def *study, const struct observation *seen)
{
    double cost = trials_value(study, seen->value);

    struct space_key key = space_config_key(study->space, seen->x);
    *find(t, key) = (struct tried){.is_taken = true, .key = key};
    if (seen->kind == OBSERVED_PENDING) {
        t->pending_seen[t->n_pending] = seen;
        t->pending[t->n_pending++] = seen->x;
        return;
    }
    t->n_finished++;
    switch (seen->kind) {
    case OBSERVED_COMPLETED:
    case OBSERVED_PRUNED:
        if (isfinite(cost)) {
            t->complete[t->n_done] = seen->kind == OBSERVED_COMPLETED;
            t->cost[t->n_done] = cost;
            t->measured[t->n_done] = cost;
            t->step[t->n_done] = seen->step;
            t->done_seen[t->n_done] = seen;
            t->done[t->n_done++] = seen->x;
        }
        break;
    case OBSERVED_FAILED:
    case OBSERVED_INFEASIBLE:
        t->failed[t->n_failed++] = seen->x;
        break;
    case OBSERVED_PENDING:
    default:
        break;
    }
}

/* Lifts pruned trials to the median of the complete ones and holds them below their worst. */
static int place_pruned(struct trials *t, struct err *err)
{
    OWN(memory) double *sorted = calloc(t->n_done + 1, sizeof *sorted);
    size_t n = 0;

    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a history");
    }
    for (size_t i = 0; i < t->n_done; i++) {
        if (t->complete[i]) {
            sorted[n++] = t->cost[i];
        }
    }
    if (n == 0 || n == t->n_done) {
        return 0;
    }
    qsort(sorted, n, sizeof *sorted, by_cost);
    for (size_t i = 0; i < t->n_done; i++) {
        if (!t->complete[i]) {
            t->cost[i] = fmin(fmax(t->cost[i], sorted[n / 2]), sorted[n - 1]);
        }
    }
    return 0;
}

static void find_best(struct trials *t)
{
    t->best = t->n_done;
    for (size_t i = 0; i < t->n_done; i++) {
        if (t->complete[i] && (t->best == t->n_done || t->cost[i] < t->cost[t->best])) {
            t->best = i;
        }
    }
}

int trials_init(struct trials *trials, const struct study_def *study, const struct history *seen,
                struct err *err)
{
    OWN(memory) const struct observation **sorted = calloc(seen->n + 1, sizeof *sorted);

    *trials = (struct trials){0};
    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a history of %zu trials", seen->n);
    }
    TRY(allocate(trials, seen->n, err));
    for (size_t i = 0; i < seen->n; i++) {
        sorted[i] = &seen->items[i];
    }
    if (!is_sorted(seen->n, sorted)) {
        qsort(sorted, seen->n, sizeof *sorted, by_number);
    }
    for (size_t i = 0; i < seen->n; i++) {
        add(trials, study, sorted[i]);
    }
    find_best(trials);
    return place_pruned(trials, err);
}

void trials_finish(struct trials *trials)
{
    free(trials->done);
    free(trials->cost);
    free(trials->measured);
    free(trials->step);
    free(trials->complete);
    free(trials->done_seen);
    free(trials->pending_seen);
    free(trials->failed);
    free(trials->pending);
    free(trials->slots);
    *trials = (struct trials){0};
}

bool trials_have(const struct trials *trials, struct space_key key)
{
    return find(trials, key)->is_taken;
}
