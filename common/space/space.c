#include "common/space/space.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "common/space/build.h"
#include "common/space/expr.h"

/* One in 10,000 is legal at the least, more where the expressions are long
 * (space_check_constraints()): these never run out. */
#define SAMPLE_TRIES ((size_t)2000000)
#define SAMPLE_NODES ((size_t)400000000) /* of expressions */

static void param_finish(struct param *param)
{
    free(param->name);
    for (size_t i = 0; param->choices != NULL && i < param->n_choices; i++) {
        json_decref(param->choices[i]);
    }
    free(param->choices);
    free(param->choice_numbers);
    free(param->sorted);
    free(param->live);
    free(param->weights);
    free(param->shares);
    for (size_t i = 0; i < param->n_conditions; i++) {
        free(param->conditions[i].allowed);
    }
    free(param->conditions);
}

void space_destroy(struct space *space)
{
    if (space == NULL) {
        return;
    }
    for (size_t i = 0; i < space->n_params; i++) {
        param_finish(&space->params[i]);
    }
    free(space->params);
    free(space->order);
    free(space->by_name);
    free(space->constrained);
    for (size_t i = 0; i < space->n_constraints; i++) {
        free(space->constraints[i]);
        expr_destroy(space->exprs[i]);
    }
    free(space->constraints);
    free(space->exprs);
    if (space->memo != NULL && *space->memo != NULL) {
        struct space_memo *memo = *space->memo;
        memo->destroy(memo);
    }
    free(space->memo);
    free(space);
}

const struct space_memo *space_memo_borrow(const struct space *space)
{
    return atomic_load(space->memo);
}

const struct space_memo *space_memo_keep(const struct space *space, struct space_memo *memo)
{
    struct space_memo *kept = NULL;

    if (atomic_compare_exchange_strong(space->memo, &kept, memo)) {
        return memo;
    }
    memo->destroy(memo);
    return kept;
}

int space_find(const struct space *space, const char *name)
{
    size_t low = 0;
    size_t high = space->n_names;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(space->params[space->by_name[middle]].name, name);
        if (order == 0) {
            return (int)space->by_name[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

size_t space_active_namesake(const struct space *space, size_t first, const double x[])
{
    size_t i = first;

    while (i != SPACE_NONE && isnan(x[i])) {
        i = space->params[i].next_namesake;
    }
    return i;
}

static bool condition_holds(const struct condition *condition, double parent)
{
    size_t low = 0;
    size_t high = condition->n_allowed;

    while (low < high) { /* NaN, an inactive parent's, is never found */
        size_t middle = (low + high) / 2;
        if (condition->allowed[middle] < parent) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < condition->n_allowed && condition->allowed[low] == parent;
}

bool param_is_active(const struct space *space, size_t i, const double x[])
{
    const struct param *param = &space->params[i];

    for (size_t c = 0; c < param->n_conditions; c++) {
        if (!condition_holds(&param->conditions[c], x[param->conditions[c].parent])) {
            return false;
        }
    }
    return true;
}

bool space_activate(const struct space *space, double x[])
{
    bool whole = true;

    for (size_t at = 0; at < space->n_params; at++) {
        size_t i = space->order[at];
        if (!param_is_active(space, i, x)) {
            x[i] = (double)NAN;
        } else if (isnan(x[i])) {
            whole = false;
        }
    }
    return whole;
}

bool space_constraint_holds(const struct space *space, size_t i, const double x[])
{
    return expr_holds(space->exprs[i], space, x);
}

bool space_satisfies(const struct space *space, const double x[])
{
    for (size_t i = 0; i < space->n_constraints; i++) {
        if (!expr_holds(space->exprs[i], space, x)) {
            return false;
        }
    }
    return true;
}

size_t space_constraint_nodes(const struct space *space)
{
    size_t n = 0;

    for (size_t i = 0; i < space->n_constraints; i++) {
        n += expr_n_nodes(space->exprs[i]);
    }
    return n;
}

bool space_is_legal(const struct space *space, const double x[])
{
    for (size_t i = 0; i < space->n_params; i++) {
        if (param_is_active(space, i, x) ? !param_allows(&space->params[i], x[i]) : !isnan(x[i])) {
            return false;
        }
    }
    return space_satisfies(space, x);
}

void space_draw_constrained(const struct space *space, struct rng *rng, double x[])
{
    for (size_t k = 0; k < space->n_constrained; k++) {
        size_t i = space->constrained[k];
        double u = rng_uniform(rng);
        x[i] = param_is_active(space, i, x) ? param_decode(&space->params[i], u) : (double)NAN;
    }
}

/* The rest of a configuration whose constrained parameters are drawn. */
static void draw_others(const struct space *space, struct rng *rng, double x[])
{
    size_t next = 0;

    for (size_t k = 0; k < space->n_params; k++) { /* both lists are in this order */
        size_t i = space->order[k];
        if (next < space->n_constrained && space->constrained[next] == i) {
            next++;
            continue;
        }
        double u = rng_uniform(rng);
        x[i] = param_is_active(space, i, x) ? param_decode(&space->params[i], u) : (double)NAN;
    }
}

/* One try; true when the constraints hold. */
static bool draw(const struct space *space, struct rng *rng, double x[])
{
    double u[SPACE_WHOLE_DRAW_MAX];

    if (space->n_params > SPACE_WHOLE_DRAW_MAX) {
        space_draw_constrained(space, rng, x);
        if (!space_satisfies(space, x)) {
            return false;
        }
        draw_others(space, rng, x);
        return true;
    }
    for (size_t i = 0; i < space->n_params; i++) {
        u[i] = rng_uniform(rng);
    }
    space_decode(space, u, x);
    return space_satisfies(space, x);
}

int space_sample(const struct space *space, struct rng *rng, double x[], struct err *err)
{
    size_t n_nodes = space_constraint_nodes(space);
    size_t tries = n_nodes * SAMPLE_TRIES > SAMPLE_NODES ? SAMPLE_NODES / n_nodes : SAMPLE_TRIES;

    for (size_t k = 0; k < tries; k++) {
        if (draw(space, rng, x)) {
            return 0;
        }
    }
    return err_set(err, ERR_EXHAUSTED,
                   "none of %zu random points satisfies the constraints; loosen them", tries);
}

double param_number(const struct param *param, double value)
{
    if (param->n_choices == 0 || isnan(value)) {
        return value;
    }
    return value < (double)param->n_choices ? param->choice_numbers[(size_t)value] : (double)NAN;
}
