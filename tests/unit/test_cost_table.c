#include <check.h>
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "server/schedule/cost_table.h"
#include "tests/support/run_suite.h"

#define MOST 40

static void add(struct cost_table *table, size_t *n, struct rung_row rows[], const double costs[])
{
    struct err err = {0};

    rows[*n].trial = (int64_t)*n + 1;
    ck_assert_int_eq(cost_table_add(table, costs, &rows[*n].row, &err), 0);
    (*n)++;
}

static void expect_order(const struct cost_table *table, size_t n, struct rung_row rows[],
                         const int64_t order[])
{
    struct err err = {0};

    ck_assert_int_eq(cost_table_sort(table, n, rows, &err), 0);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(rows[i].trial, order[i]);
    }
}

/* One front, (0, 10) (1, 6) (3, 4) (9, 2) (10, 0), and a point behind it. Crowding by hand, both
 * ranges being 10: (1, 6) has 3/10 + 6/10 = .9, (3, 4) has 8/10 + 4/10 = 1.2, (9, 2) has 7/10 +
 * 4/10 = 1.1; the ends are infinite, the earlier trial first. */
START_TEST(the_front_comes_by_crowding)
{
    static const double costs[][2] = {{1, 6}, {10, 10}, {10, 0}, {3, 4}, {9, 2}, {0, 10}};
    static const int64_t order[] = {3, 6, 4, 5, 1, 2};
    struct cost_table table = {.m = 2, .width = 2};
    struct rung_row rows[6];
    size_t n = 0;

    for (size_t i = 0; i < 6; i++) {
        add(&table, &n, rows, costs[i]);
    }
    expect_order(&table, n, rows, order);
    cost_table_finish(&table);
}
END_TEST

/* What violates nothing comes first, then by violation, then by trial; its costs do not matter. */
START_TEST(what_violates_bounds_comes_after)
{
    static const double costs[][3] = {{0, 0, 2}, {5, 5, 0}, {0, 0, .5}, {0, 0, (double)INFINITY},
                                      {1, 1, 2}, {4, 4, 0}};
    static const int64_t order[] = {6, 2, 3, 1, 5, 4};
    struct cost_table table = {.m = 2, .width = 3};
    struct rung_row rows[6];
    size_t n = 0;

    for (size_t i = 0; i < 6; i++) {
        add(&table, &n, rows, costs[i]);
    }
    expect_order(&table, n, rows, order);
    size_t n_better;
    size_t n_worse;
    cost_table_compare(&table, n, rows, costs[2], &n_better, &n_worse);
    ck_assert_uint_eq(n_better, 2);
    ck_assert_uint_eq(n_worse, 3);
    cost_table_finish(&table);
}
END_TEST

static bool is_before(const double a[3], const double b[3])
{
    bool no_worse = a[0] <= b[0] && a[1] <= b[1];

    return a[2] < b[2] || (a[2] <= b[2] && a[2] <= 0 && no_worse && (a[0] < b[0] || a[1] < b[1]));
}

static bool has_trial(size_t n, const struct rung_row rows[], int64_t trial)
{
    size_t i = 0;

    while (i < n && rows[i].trial != trial) {
        i++;
    }
    return i < n;
}

/* Random rows: no row comes before one that dominates it, every one is still there, and the counts
 * are those of all pairs. */
START_TEST(no_row_comes_before_one_that_dominates_it)
{
    struct cost_table table = {.m = 2, .width = 3};
    struct rung_row rows[MOST];
    double costs[MOST][3];
    size_t n = 0;
    struct err err = {0};
    struct rng rng = rng_for(7, (uint64_t)_i);

    for (size_t i = 0; i < MOST; i++) { /* few values, so that there are equal ones */
        costs[i][0] = floor(6 * rng_uniform(&rng));
        costs[i][1] = floor(6 * rng_uniform(&rng));
        costs[i][2] = fmax(0, floor(6 * rng_uniform(&rng)) - 3);
        add(&table, &n, rows, costs[i]);
    }
    ck_assert_int_eq(cost_table_sort(&table, n, rows, &err), 0);
    for (size_t i = 0; i < n; i++) {
        const double *mine = cost_table_row(&table, rows[i].row);
        size_t better = 0;
        size_t worse = 0;
        size_t n_better;
        size_t n_worse;
        for (size_t j = 0; j < n; j++) {
            const double *other = cost_table_row(&table, rows[j].row);
            ck_assert(!(j > i && is_before(other, mine)));
            better += is_before(other, mine);
            worse += is_before(mine, other);
        }
        cost_table_compare(&table, n, rows, mine, &n_better, &n_worse);
        ck_assert_uint_eq(n_better, better);
        ck_assert_uint_eq(n_worse, worse);
        ck_assert(has_trial(n, rows, (int64_t)i + 1));
    }
    cost_table_finish(&table);
}
END_TEST

/* One row after the other: the order is that of sorting all of them. Some tell apart three costs,
 * some have bounds, some ties. */
START_TEST(a_row_is_inserted_where_sorting_puts_it)
{
    enum { ROWS = 60 };
    bool has_bounds = _i % 2 == 1;
    size_t m = 2 + (size_t)_i % 3 / 2;
    struct cost_table table = {.m = m, .width = m + (has_bounds ? 1 : 0)};
    struct rung_row rows[ROWS];
    struct rung_row sorted[ROWS];
    struct err err = {0};
    struct rng rng = rng_for(8, (uint64_t)_i);

    for (size_t n = 0; n < ROWS;) {
        double costs[4];
        for (size_t k = 0; k < m; k++) {
            double u = rng_uniform(&rng);
            costs[k] = _i % 5 == 0 ? u : floor(10 * u);
        }
        costs[m] = has_bounds ? fmax(0, floor(6 * rng_uniform(&rng)) - 3) : 0;
        add(&table, &n, rows, costs);
        rows[n - 1].trial = (int64_t)((n * 37) % 211);
        ck_assert_int_eq(cost_table_insert(&table, n, rows, &err), 0);
        memcpy(sorted, rows, n * sizeof *rows);
        ck_assert_int_eq(cost_table_sort(&table, n, sorted, &err), 0);
        for (size_t i = 0; i < n; i++) {
            ck_assert_msg(rows[i].trial == sorted[i].trial && rows[i].rank == sorted[i].rank,
                          "place %zu of %zu", i, n);
        }
    }
    cost_table_finish(&table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cost_table");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, the_front_comes_by_crowding);
    tcase_add_test(tcase, what_violates_bounds_comes_after);
    tcase_add_loop_test(tcase, no_row_comes_before_one_that_dominates_it, 0, 20);
    tcase_add_loop_test(tcase, a_row_is_inserted_where_sorting_puts_it, 0, 20);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
