#include "server/schedule/cost_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/own.h"
#include "server/model/nondominated.h"

void cost_table_finish(struct cost_table *table)
{
    free(table->rows);
    table->rows = NULL;
}

int cost_table_add(struct cost_table *table, const double costs[], size_t *row, struct err *err)
{
    if (table->n == table->cap) {
        size_t cap = table->cap == 0 ? 64 : table->cap * 2;
        double *rows = realloc(table->rows, cap * table->width * sizeof *rows);
        if (rows == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        table->rows = rows;
        table->cap = cap;
    }
    memcpy(table->rows + table->n * table->width, costs, table->width * sizeof *costs);
    *row = table->n++;
    return 0;
}

const double *cost_table_row(const struct cost_table *table, size_t row)
{
    return table->rows + row * table->width;
}

static double violation_of(const struct cost_table *table, const double costs[])
{
    return table->width > table->m ? costs[table->m] : 0;
}

struct place {
    double violation;
    size_t rank;
    double crowding;
    struct rung_row row;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;

    if (x->violation < y->violation || x->violation > y->violation) {
        return x->violation < y->violation ? -1 : 1;
    }
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    if (x->crowding < y->crowding || x->crowding > y->crowding) {
        return x->crowding > y->crowding ? -1 : 1;
    }
    return (x->row.trial > y->row.trial) - (x->row.trial < y->row.trial);
}

/* By trial, so that the order of arrival decides nothing. */
static int by_trial(const void *a, const void *b)
{
    const struct rung_row *x = a;
    const struct rung_row *y = b;

    return (x->trial > y->trial) - (x->trial < y->trial);
}

/* Fronts and crowding of the rows that violate nothing; the others keep rank and crowding 0. */
static int place_feasible(const struct cost_table *table, size_t n, struct place places[],
                          struct err *err)
{
    OWN(memory) double *cost = calloc(n * table->m + 1, sizeof *cost);
    OWN(memory) size_t *rank = calloc(n + 1, sizeof *rank);
    OWN(memory) double *crowding = calloc(n + 1, sizeof *crowding);
    size_t k = 0;

    if (cost == NULL || rank == NULL || crowding == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        if (!(places[i].violation > 0)) {
            memcpy(cost + k++ * table->m, cost_table_row(table, places[i].row.row),
                   table->m * sizeof *cost);
        }
    }
    TRY(nondominated_ranks(k, table->m, cost, rank, err));
    TRY(nondominated_crowding(k, table->m, cost, rank, crowding, err));
    k = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(places[i].violation > 0)) {
            places[i].rank = rank[k];
            places[i].crowding = crowding[k++];
        }
    }
    return 0;
}

int cost_table_sort(const struct cost_table *table, size_t n, struct rung_row rows[],
                    struct err *err)
{
    OWN(memory) struct place *places = calloc(n + 1, sizeof *places);

    if (places == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    qsort(rows, n, sizeof *rows, by_trial);
    for (size_t i = 0; i < n; i++) {
        double violation = violation_of(table, cost_table_row(table, rows[i].row));
        places[i] = (struct place){.violation = violation, .row = rows[i]};
    }
    TRY(place_feasible(table, n, places, err));
    qsort(places, n, sizeof *places, by_place);
    for (size_t i = 0; i < n; i++) {
        rows[i] = places[i].row;
    }
    return 0;
}

static bool dominates(const struct cost_table *table, const double a[], const double b[])
{
    double x = violation_of(table, a);
    double y = violation_of(table, b);

    return x < y || (!(x > y) && !(x > 0) && nondominated_dominates(table->m, a, b));
}

void cost_table_compare(const struct cost_table *table, size_t n, const struct rung_row rows[],
                        const double costs[], size_t *n_better, size_t *n_worse)
{
    *n_better = 0;
    *n_worse = 0;
    for (size_t i = 0; i < n; i++) {
        const double *other = cost_table_row(table, rows[i].row);
        *n_better += dominates(table, other, costs);
        *n_worse += dominates(table, costs, other);
    }
}
