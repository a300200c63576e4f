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

struct ranked_row {
    double violation;
    size_t rank;
    double crowding;
    struct rung_row row;
};

static int by_place(const void *a, const void *b)
{
    const struct ranked_row *x = a;
    const struct ranked_row *y = b;

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
static int place_feasible(const struct cost_table *table, size_t n, struct ranked_row places[],
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
    OWN(memory) struct ranked_row *places = calloc(n + 1, sizeof *places);

    if (places == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    qsort(rows, n, sizeof *rows, by_trial);
    for (size_t i = 0; i < n; i++) {
        double violation = violation_of(table, cost_table_row(table, rows[i].row));
        places[i] = (struct ranked_row){.violation = violation, .row = rows[i]};
    }
    TRY(place_feasible(table, n, places, err));
    qsort(places, n, sizeof *places, by_place);
    for (size_t i = 0; i < n; i++) {
        rows[i] = places[i].row;
        rows[i].rank = places[i].rank;
    }
    return 0;
}

/* ---- one more row ---- */

static double violation_at(const struct cost_table *table, const struct rung_row *row)
{
    return violation_of(table, cost_table_row(table, row->row));
}

/* Sorts one front: by crowding, then by trial. */
static int sort_front(const struct cost_table *table, size_t n, struct rung_row rows[],
                      struct err *err)
{
    OWN(memory) struct ranked_row *places = calloc(n + 1, sizeof *places);
    OWN(memory) double *cost = calloc(n * table->m + 1, sizeof *cost);
    OWN(memory) double *crowding = calloc(n + 1, sizeof *crowding);

    if (places == NULL || cost == NULL || crowding == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    qsort(rows, n, sizeof *rows, by_trial);
    for (size_t i = 0; i < n; i++) {
        memcpy(cost + i * table->m, cost_table_row(table, rows[i].row), table->m * sizeof *cost);
    }
    TRY(nondominated_crowding(n, table->m, cost, NULL, crowding, err));
    for (size_t i = 0; i < n; i++) {
        places[i] = (struct ranked_row){.crowding = crowding[i], .row = rows[i]};
    }
    qsort(places, n, sizeof *places, by_place);
    for (size_t i = 0; i < n; i++) {
        rows[i] = places[i].row;
    }
    return 0;
}

/* Moves the last row behind those that violate nothing, or to its place among the others. Returns
 * how many come before it. */
static size_t move_forward(const struct cost_table *table, size_t n, struct rung_row rows[])
{
    struct rung_row new = rows[n - 1];
    double violation = violation_at(table, &new);
    size_t at = n - 1;

    while (at > 0) {
        double other = violation_at(table, &rows[at - 1]);
        if (!(other > 0)
            || (violation > 0
                && (other < violation || (other <= violation && rows[at - 1].trial < new.trial)))) {
            break;
        }
        at--;
    }
    memmove(rows + at + 1, rows + at, (n - 1 - at) * sizeof *rows);
    rows[at] = new;
    return at;
}

/* Does one of the rows dominate this one? */
static bool is_dominated(const struct cost_table *table, size_t n, const struct rung_row rows[],
                         const struct rung_row *row)
{
    const double *costs = cost_table_row(table, row->row);

    for (size_t i = 0; i < n; i++) {
        if (nondominated_dominates(table->m, cost_table_row(table, rows[i].row), costs)) {
            return true;
        }
    }
    return false;
}

/* How many rows from `from` on, of n, have its rank. */
static size_t front_length(size_t n, const struct rung_row rows[], size_t from)
{
    size_t to = from;

    while (to < n && rows[to].rank == rows[from].rank) {
        to++;
    }
    return to - from;
}

/* rows[from … from + n_new + n_front - 1] ← the new rows of a front and those of the old one that
 * they do not dominate; behind them those that they do, of the next front. Returns how many these
 * are. `scratch`: room for all. */
static size_t join_front(const struct cost_table *table, struct rung_row rows[], size_t n_new,
                         size_t n_front, struct rung_row scratch[])
{
    size_t n_kept = n_new;
    size_t n_pushed = 0;

    for (size_t i = n_new; i < n_new + n_front; i++) {
        if (is_dominated(table, n_new, rows, &rows[i])) {
            scratch[n_pushed] = rows[i];
            scratch[n_pushed++].rank++;
        } else {
            rows[n_kept++] = rows[i];
        }
    }
    memcpy(rows + n_kept, scratch, n_pushed * sizeof *rows);
    return n_pushed;
}

/* The last of n rows that violate nothing goes to its front; what it pushes out of that one goes to
 * the next, and so on (Li, Deb, Zhang and Zhang 2014, "Efficient non-domination level update"). */
static int insert_feasible(const struct cost_table *table, size_t n, struct rung_row rows[],
                           struct err *err)
{
    OWN(memory) struct rung_row *scratch = calloc(n + 1, sizeof *scratch);
    struct rung_row new = rows[n - 1];
    size_t from = 0;
    size_t n_moving = 1;

    if (scratch == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    new.rank = 0;
    while (from < n - 1) {
        size_t n_front = front_length(n - 1, rows, from);
        if (!is_dominated(table, n_front, rows + from, &new)) {
            break;
        }
        from += n_front;
        new.rank++;
    }
    memmove(rows + from + 1, rows + from, (n - 1 - from) * sizeof *rows);
    rows[from] = new;
    while (n_moving > 0) {
        size_t rank = rows[from].rank;
        size_t next = from + n_moving;
        size_t n_front = next < n && rows[next].rank == rank ? front_length(n, rows, next) : 0;
        size_t n_pushed = join_front(table, rows + from, n_moving, n_front, scratch);
        size_t n_kept = n_moving + n_front - n_pushed;
        TRY(sort_front(table, n_kept, rows + from, err));
        from += n_kept;
        n_moving = n_pushed;
    }
    return 0;
}

int cost_table_insert(const struct cost_table *table, size_t n, struct rung_row rows[],
                      struct err *err)
{
    size_t at = move_forward(table, n, rows);

    rows[at].rank = 0;
    return violation_at(table, &rows[at]) > 0 ? 0 : insert_feasible(table, at + 1, rows, err);
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
