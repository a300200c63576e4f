/* The whole space from a study body: parameters first, then what joins them. */
#include "common/space/build.h"

#include <stdio.h>
#include <string.h>

#include "common/space/expr.h"

#define DRAWS 100000
#define DRAWS_LEGAL 10
#define STEPS_MAX 32000000 /* parameters drawn and nodes of expressions visited: some .3 s */

static void read_constraints(struct space *space, const json_t *constraints, struct faults *faults)
{
    size_t n = json_array_size(constraints);

    if (!json_is_array(constraints) || n > SPACE_CONSTRAINTS_MAX) {
        faults_add(faults, "/constraints", "must be a list of at most %d expressions",
                   SPACE_CONSTRAINTS_MAX);
        return;
    }
    space->constraints = calloc(n + 1, sizeof *space->constraints);
    space->exprs = calloc(n + 1, sizeof *space->exprs);
    if (space->constraints == NULL || space->exprs == NULL) {
        faults_no_memory(faults);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(constraints, i);
        struct err err = {0};
        struct expr *expr = NULL;
        char pointer[SPACE_POINTER_BYTES];

        (void)snprintf(pointer, sizeof pointer, "/constraints/%zu", i);
        if (!json_is_string(item)) {
            faults_add(faults, pointer, "must be a string such as \"units * layers <= 1024\"");
        } else if (expr_parse(json_string_value(item), json_string_length(item), space, &expr, &err)
                   != 0) {
            faults_take(faults, pointer, &err);
        } else {
            space->exprs[space->n_constraints] = expr;
            space->constraints[space->n_constraints] = strdup(json_string_value(item));
            if (space->constraints[space->n_constraints++] == NULL) {
                faults_no_memory(faults);
            }
        }
    }
}

static void mark_names(const struct space *space, const struct expr *expr, bool marked[])
{
    for (size_t k = 0; k < expr_n_names(expr); k++) {
        for (size_t i = expr_name(expr, k); i != SPACE_NONE; i = space->params[i].next_namesake) {
            marked[i] = true;
        }
    }
}

int space_find_constrained(struct space *space)
{
    OWN(memory) bool *marked = calloc(space->n_params, sizeof *marked);

    space->constrained = calloc(space->n_params, sizeof *space->constrained);
    if (marked == NULL || space->constrained == NULL) {
        return -1;
    }
    for (size_t i = 0; i < space->n_constraints; i++) {
        mark_names(space, space->exprs[i], marked);
    }
    for (size_t k = space->n_params; k-- > 0;) { /* children before parents */
        const struct param *param = &space->params[space->order[k]];
        for (size_t c = 0; marked[space->order[k]] && c < param->n_conditions; c++) {
            marked[param->conditions[c].parent] = true;
        }
    }
    for (size_t k = 0; k < space->n_params; k++) {
        if (marked[space->order[k]]) {
            space->constrained[space->n_constrained++] = space->order[k];
        }
    }
    return 0;
}

/* As space_satisfies(), adding the nodes that were visited, at most, to *steps. */
static bool satisfies_in(const struct space *space, const double x[], size_t *steps)
{
    for (size_t i = 0; i < space->n_constraints; i++) {
        *steps += expr_n_nodes(space->exprs[i]);
        if (!expr_holds(space->exprs[i], space, x)) {
            return false;
        }
    }
    return true;
}

static bool draw_is_legal(const struct space *space, struct rng *rng, size_t *steps)
{
    double x[SPACE_PARAMS_MAX];
    double u[SPACE_WHOLE_DRAW_MAX];

    if (space->n_params > SPACE_WHOLE_DRAW_MAX) {
        *steps += space->n_constrained;
        space_draw_constrained(space, rng, x);
        return satisfies_in(space, x, steps);
    }
    *steps += space->n_params;
    for (size_t i = 0; i < space->n_params; i++) {
        u[i] = rng_uniform(rng);
    }
    space_decode(space, u, x);
    return satisfies_in(space, x, steps);
}

void space_check_constraints(const struct space *space, struct faults *faults)
{
    struct rng rng = rng_for(0, 0);
    size_t steps = 0;
    int legal = 0;
    int draws = 0;

    if (space->n_constraints == 0) {
        return;
    }
    for (; draws < DRAWS && legal < DRAWS_LEGAL && steps < STEPS_MAX; draws++) {
        legal += draw_is_legal(space, &rng, &steps) ? 1 : 0;
    }
    if (legal < DRAWS_LEGAL && draws < DRAWS) {
        faults_add(faults, "/constraints",
                   "take too long: %d of %d random points satisfied them all after %d steps; "
                   "shorten or loosen them, or narrow the ranges to where they hold",
                   legal, draws, STEPS_MAX);
    } else if (legal < DRAWS_LEGAL) {
        faults_add(
            faults, "/constraints",
            "only %d of %d random points satisfy all constraints; loosen them, or narrow the "
            "ranges to where they hold",
            legal, DRAWS);
    }
}

static int build(struct space *space, const json_t *parameters, const json_t *constraints,
                 struct faults *faults)
{
    bool broken[SPACE_PARAMS_MAX] = {false};
    size_t before = faults->total;

    for (size_t i = 0; i < space->n_params; i++) {
        char pointer[SPACE_POINTER_BYTES];
        size_t so_far = faults->total;
        (void)snprintf(pointer, sizeof pointer, "/parameters/%zu", i);
        param_from_json(json_array_get(parameters, i), pointer, &space->params[i], faults);
        broken[i] = faults->total != so_far;
    }
    space_order_names(space, faults);
    for (size_t i = 0; i < space->n_params; i++) {
        const json_t *when = json_object_get(json_array_get(parameters, i), "when");
        if (when != NULL && !json_is_null(when)) {
            param_conditions_from_json(space, i, when, broken, faults);
        }
    }
    space_sort(space, faults);
    space_check_namesakes(space, faults);
    bool sound = faults->total == before;
    if (constraints != NULL && sound) { /* else names and types are guesswork */
        read_constraints(space, constraints, faults);
    }
    if (faults->total == before && space_find_constrained(space) != 0) {
        faults_no_memory(faults);
    }
    return faults->total == before ? 0 : -1;
}

int space_from_json(const json_t *parameters, const json_t *constraints, struct space **space,
                    struct faults *faults)
{
    size_t n = json_array_size(parameters);

    if (!json_is_array(parameters) || n == 0 || n > SPACE_PARAMS_MAX) {
        faults_add(faults, "/parameters", "must be a list of 1 to %d parameters", SPACE_PARAMS_MAX);
        return -1;
    }
    OWN(space) struct space *built = calloc(1, sizeof *built);
    if (built == NULL) {
        faults_no_memory(faults);
        return -1;
    }
    built->params = calloc(n, sizeof *built->params);
    built->order = calloc(n, sizeof *built->order);
    built->by_name = calloc(n, sizeof *built->by_name);
    built->memo = calloc(1, sizeof *built->memo);
    if (built->params == NULL || built->order == NULL || built->by_name == NULL
        || built->memo == NULL) {
        faults_no_memory(faults);
        return -1;
    }
    built->n_params = n;
    TRY(build(built, parameters, json_is_null(constraints) ? NULL : constraints, faults));
    *space = built;
    built = NULL;
    return 0;
}
