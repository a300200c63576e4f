#include "server/strategy/tpe/good_trials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/hypervolume.h"
#include "server/model/nondominated.h"
#include "server/strategy/population.h"

enum {
    CONSIDERED = 4,  /* times as many trials as are good are looked at */
    BORDER_MAX = 64, /* of one front: the least crowded ones */
    COSTS_MAX = 4    /* the hypervolume of more costs takes too long */
};

bool good_trials_are_several(const struct study_def *study)
{
    return study->n_objectives > 1 || study->n_bounds > 0;
}

/* The best trials, in order. */
struct best_trials {
    struct objective_costs costs;
    struct population population;
    size_t n_equal; /* the first of the population: complete and feasible */
    size_t m;
    double *cost;         /* m × n_equal */
    size_t *rank;         /* n_equal, never falling */
    double *contribution; /* room for the population */
    double reference[OBJECTIVES_MAX];
};

static void best_trials_finish(struct best_trials *s)
{
    free(s->cost);
    free(s->rank);
    free(s->contribution);
    population_finish(&s->population);
    objective_costs_finish(&s->costs);
}
OWN_VALUE(best_trials)

static int best_trials_init(struct best_trials *s, const struct study_data *data, size_t n_good,
                            struct err *err)
{
    const struct evaluations *e = &data->evaluations;

    TRY(objective_costs_init(&s->costs, data, err));
    TRY(population_init(&s->population, &s->costs, CONSIDERED * n_good, err));
    size_t n = s->population.n;
    s->m = s->costs.m;
    s->cost = calloc(n * s->m + 1, sizeof *s->cost);
    s->rank = calloc(n + 1, sizeof *s->rank);
    s->contribution = calloc(n + 1, sizeof *s->contribution);
    if (s->cost == NULL || s->rank == NULL || s->contribution == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to choose among %zu trials", n);
    }
    for (size_t i = 0; i < n; i++) {
        size_t member = s->population.members[i];
        if (s->costs.violation[member] > 0.0 || !e->complete[s->costs.done[member]]) {
            break;
        }
        memcpy(s->cost + i * s->m, s->costs.cost + member * s->m, s->m * sizeof *s->cost);
        s->n_equal++;
    }
    return nondominated_ranks(s->n_equal, s->m, s->cost, s->rank, err);
}

/* A tenth of the range beyond the worst of the first n. */
static void set_reference(struct best_trials *s, size_t n)
{
    for (size_t k = 0; k < s->m; k++) {
        double least = (double)INFINITY;
        double most = -(double)INFINITY;
        for (size_t i = 0; i < n; i++) {
            least = fmin(least, s->cost[i * s->m + k]);
            most = fmax(most, s->cost[i * s->m + k]);
        }
        double range = most - least;
        s->reference[k] = most + (range > 0.0 ? 0.1 * range : 1e-9 * (1.0 + fabs(most)));
    }
}

/* contribution[from … to-1] ← what each of these adds to the others of them. */
static int contribute(struct best_trials *s, size_t from, size_t to, struct err *err)
{
    return hypervolume_contributions(to - from, s->m, s->cost + from * s->m, s->reference,
                                     s->contribution + from, err);
}

static void swap_doubles(double *a, double *b)
{
    double kept = *a;

    *a = *b;
    *b = kept;
}

static void swap(struct best_trials *s, size_t i, size_t j)
{
    size_t kept = s->population.members[i];

    s->population.members[i] = s->population.members[j];
    s->population.members[j] = kept;
    swap_doubles(&s->contribution[i], &s->contribution[j]);
    for (size_t k = 0; k < s->m; k++) {
        swap_doubles(&s->cost[i * s->m + k], &s->cost[j * s->m + k]);
    }
}

/* Of the last front that is taken from, the ones that contribute most come first. */
static int sort_border(struct best_trials *s, size_t n_good, struct err *err)
{
    size_t from = n_good;
    size_t to = n_good;

    while (from > 0 && s->rank[from - 1] == s->rank[n_good - 1]) {
        from--;
    }
    while (to < s->n_equal && s->rank[to] == s->rank[n_good - 1]) {
        to++;
    }
    set_reference(s, to);
    to = to - from > BORDER_MAX ? from + BORDER_MAX : to; /* they are in order of crowding */
    if (to <= n_good) {
        return 0;
    }
    TRY(contribute(s, from, to, err));
    for (size_t i = from; i < n_good; i++) {
        size_t best = i;
        for (size_t j = i + 1; j < to; j++) {
            best = s->contribution[j] > s->contribution[best] ? j : best;
        }
        swap(s, i, best);
    }
    return 0;
}

/* At least 1e-12, mean 1; all 1 where nothing is known. */
static void scale_weights(size_t n, double weights[])
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++) {
        sum += weights[i];
    }
    for (size_t i = 0; i < n; i++) {
        weights[i] = sum > 0.0 && isfinite(sum) ? fmax(weights[i] * (double)n / sum, 1e-12) : 1.0;
    }
}

/* One objective: how much better each is than the best of the others. */
static void weigh_gains(const struct best_trials *s, size_t n_good, double weights[])
{
    for (size_t i = 0; i < n_good; i++) {
        weights[i] = n_good < s->n_equal ? s->cost[n_good] - s->cost[i] : 1.0;
    }
}

static int choose_good(struct best_trials *s, size_t n_good, double weights[], struct err *err)
{
    for (size_t i = 0; i < n_good; i++) {
        weights[i] = 1.0;
    }
    if (n_good > s->n_equal || s->m > COSTS_MAX) {
        return 0;
    }
    if (s->m == 1) {
        weigh_gains(s, n_good, weights);
        scale_weights(n_good, weights);
        return 0;
    }
    TRY(sort_border(s, n_good, err));
    TRY(contribute(s, 0, n_good, err));
    memcpy(weights, s->contribution, n_good * sizeof *weights);
    scale_weights(n_good, weights);
    return 0;
}

int good_trials_choose(const struct study_data *data, size_t n_good, size_t order[],
                       double weights[], struct err *err)
{
    OWN(best_trials) struct best_trials s = {0};
    size_t n_done = data->evaluations.n_done;
    OWN(memory) bool *is_taken = calloc(n_done + 1, sizeof *is_taken);
    size_t n = 0;

    if (is_taken == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to choose among %zu trials", n_done);
    }
    TRY(best_trials_init(&s, data, n_good, err));
    TRY(choose_good(&s, n_good < s.population.n ? n_good : s.population.n, weights, err));
    for (size_t i = s.population.n; i < n_good; i++) {
        weights[i] = 1e-12; /* without a finite value of each objective */
    }
    for (size_t i = 0; i < s.population.n; i++) {
        order[n++] = s.costs.done[s.population.members[i]];
        is_taken[order[i]] = true;
    }
    for (size_t i = 0; i < n_done; i++) {
        if (!is_taken[i]) {
            order[n++] = i;
        }
    }
    return 0;
}
