#include "server/domain/transfer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double beyond = 1.0; /* widths of the new range that a number may lie outside */

/* How one parameter of the new space gets its value. */
struct way {
    const struct param *to;
    const struct param *from; /* NULL: the old space says nothing */
    size_t at;                /* its index there */
    double *choice;           /* of each of the old choices: the new value, NaN: none */
    const char *obstacle;     /* why the old parameter of this name says nothing; NULL: it does */
};

struct transfer {
    size_t n, n_shared;
    struct way *ways;
};

void transfer_destroy(struct transfer *transfer)
{
    if (transfer == NULL) {
        return;
    }
    for (size_t i = 0; i < transfer->n; i++) {
        free(transfer->ways[i].choice);
    }
    free(transfer->ways);
    free(transfer);
}

/* A JSON value in the new parameter's form; NaN: it has no such choice. */
static double as_choice(const struct param *to, const json_t *json)
{
    char why[PARAM_WHY_BYTES];
    double value = 0.0;

    return param_value_from_json(to, json, &value, why) == 0 ? value : (double)NAN;
}

static double number_as_choice(const struct param *to, double number)
{
    for (size_t i = 0; i < to->n_choices; i++) {
        if (json_is_number(to->choices[i]) && json_number_value(to->choices[i]) == number
            && !param_is_removed(to, (double)i)) {
            return (double)i;
        }
    }
    return (double)NAN;
}

static double carry_choice(const struct way *way, size_t k)
{
    return way->to->n_choices == 0 ? way->from->choice_numbers[k]
                                   : as_choice(way->to, way->from->choices[k]);
}

static bool any_is_number(size_t n, const double values[])
{
    for (size_t k = 0; k < n; k++) {
        if (!isnan(values[k])) {
            return true;
        }
    }
    return false;
}

/* Can any value of the old parameter be expressed in the new one? */
static bool meets(const struct way *way)
{
    if (way->from->n_choices > 0) {
        return any_is_number(way->from->n_choices, way->choice);
    }
    return way->to->n_choices == 0 || any_is_number(way->to->n_choices, way->to->choice_numbers);
}

static const char *obstacle_of(const struct way *way, const struct param *from)
{
    if (from->n_choices > 0 && way->to->n_choices > 0) {
        return "no choice that it has there is one here";
    }
    return from->n_choices > 0
               ? "it is a choice there and a number here, and none of its choices is a number"
               : "it is a number there and a choice here, and none of its choices is a number";
}

static int find_way(const struct space *from, const struct param *to, struct way *way,
                    struct err *err)
{
    int at = to->n_cells == 1 ? -1 : space_find(from, to->name);

    *way = (struct way){.to = to};
    if (at < 0) {
        return 0;
    }
    if (to->is_namesake || to->next_namesake != SPACE_NONE
        || from->params[at].next_namesake != SPACE_NONE) {
        way->obstacle = "several parameters have the name, and which of them is meant hangs on the "
                        "configuration";
        return 0;
    }
    way->at = (size_t)at;
    way->from = &from->params[at];
    way->choice = calloc(way->from->n_choices + 1, sizeof *way->choice);
    if (way->choice == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t k = 0; k < way->from->n_choices; k++) {
        way->choice[k] = carry_choice(way, k);
    }
    if (!meets(way)) {
        way->obstacle = obstacle_of(way, way->from);
        way->from = NULL;
    }
    return 0;
}

int transfer_create(const struct space *from, const struct space *to, struct transfer **transfer,
                    struct err *err)
{
    OWN(transfer) struct transfer *made = calloc(1, sizeof *made);

    if (made == NULL || (made->ways = calloc(to->n_params + 1, sizeof *made->ways)) == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (; made->n < to->n_params; made->n++) {
        TRY(find_way(from, &to->params[made->n], &made->ways[made->n], err));
        made->n_shared += made->ways[made->n].from != NULL;
    }
    *transfer = made;
    made = NULL;
    return 0;
}

size_t transfer_shared(const struct transfer *transfer)
{
    return transfer->n_shared;
}

const char *transfer_obstacle(const struct transfer *transfer, size_t i)
{
    return transfer->ways[i].obstacle;
}

double transfer_place(const struct param *param, double value)
{
    if (param->n_choices > 0 || param->distribution != DISTRIBUTION_UNIFORM) {
        return param_encode(param, value);
    }
    return (param_measure(param, value) - param->edge_from) / param->edge_span;
}

static bool is_near(const struct param *to, double value)
{
    if (to->n_choices > 0) {
        return true;
    }
    if (to->distribution != DISTRIBUTION_UNIFORM) {
        return value >= to->low && value <= to->high;
    }
    double place = transfer_place(to, value);
    return place >= -beyond && place <= 1.0 + beyond; /* NaN, a logarithm's, is not */
}

bool transfer_row(const struct transfer *transfer, const double x[], double y[])
{
    for (size_t i = 0; i < transfer->n; i++) {
        const struct way *way = &transfer->ways[i];
        y[i] = NAN;
        if (way->from == NULL || isnan(x[way->at])) {
            continue; /* unknown, or not active there */
        }
        double old = x[way->at];
        if (way->from->n_choices > 0) {
            y[i] = way->choice[(size_t)old];
        } else {
            y[i] = way->to->n_choices == 0 ? old : number_as_choice(way->to, old);
        }
        if (isnan(y[i]) || !is_near(way->to, y[i])) {
            return false;
        }
    }
    return true;
}

bool transfer_legalise(const struct space *to, const double y[], const double unknown[], double x[])
{
    for (size_t i = 0; i < to->n_params; i++) {
        double place = isnan(y[i]) ? unknown[i] : transfer_place(&to->params[i], y[i]);
        x[i] = param_decode(&to->params[i], place);
    }
    return space_activate(to, x) && space_satisfies(to, x);
}

/* ---- which of many --------------------------------------------------------------------------- */
struct ordered_row {
    bool is_complete;
    double cost;
    int64_t number;
    size_t index;
};

static int by_standing(const void *a, const void *b)
{
    const struct ordered_row *x = a;
    const struct ordered_row *y = b;

    if (x->is_complete != y->is_complete) {
        return x->is_complete ? -1 : 1;
    }
    if (x->cost < y->cost || x->cost > y->cost) {
        return x->cost < y->cost ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}

static int by_number(const void *a, const void *b)
{
    const struct ordered_row *x = a;
    const struct ordered_row *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

int transfer_choose(size_t n, const struct observation rows[], double sign, size_t order[],
                    size_t *n_chosen, struct err *err)
{
    OWN(memory) struct ordered_row *places = calloc(n + 1, sizeof *places);
    size_t best = SOURCE_ROWS_MAX / 2;
    size_t k = n < SOURCE_ROWS_MAX ? n : SOURCE_ROWS_MAX;

    if (places == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        places[i] = (struct ordered_row){rows[i].kind == OBSERVED_COMPLETED,
                                         sign * observation_value(&rows[i], 0), rows[i].number, i};
    }
    qsort(places, n, sizeof *places, by_standing);
    if (n > k) { /* each place is read before anything is written to it: the step is at least 1 */
        qsort(places + best, n - best, sizeof *places, by_number);
        for (size_t i = best; i < k; i++) {
            places[i] = places[best + (i - best) * (n - best) / (k - best)];
        }
    }
    qsort(places, k, sizeof *places, by_number);
    for (size_t i = 0; i < k; i++) {
        order[i] = places[i].index;
    }
    *n_chosen = k;
    return 0;
}
