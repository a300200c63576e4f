/* Costs of all objectives, a row for each measurement and for each value at a rung, where a study
 * has several objectives; and the order of the rows of a rung.
 *
 * Rows are only added. In the order a row of a lower front of non-dominated sorting comes first,
 * within a front the one with the greater crowding distance, then the earlier trial (Deb et al.,
 * NSGA-II, 2002, §III). With outcome constraints a row has one column more, study_violation():
 * those with 0 come before all others, which are ordered by it, then by trial (ibid., §VI). One
 * thread at a time. */
#ifndef SERVER_SCHEDULE_COST_TABLE_H
#define SERVER_SCHEDULE_COST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct rung_row {
    int64_t trial;
    size_t row;  /* of its costs */
    size_t rank; /* its front, once it is sorted; 0 for what violates a bound */
};

struct cost_table { /* zero-initialise with m and width */
    size_t m;       /* objectives; 1: the table is not used */
    size_t width;   /* columns: m, and one more with outcome constraints */
    size_t n, cap;
    double *rows; /* width × n */
};

void cost_table_finish(struct cost_table *table);
/* *row ← the number of a new row. ERR_NOMEM. */
MUST_USE int cost_table_add(struct cost_table *table, const double costs[], size_t *row,
                            struct err *err);
const double *cost_table_row(const struct cost_table *table, size_t row);
/* Sorts the rows of a rung, best first. O(m n²) at worst. ERR_NOMEM. */
MUST_USE int cost_table_sort(const struct cost_table *table, size_t n, struct rung_row rows[],
                             struct err *err);
/* The same where all rows but the last are sorted: that one moves to its place, and the fronts that
 * it changes are sorted anew. O(m n) where it pushes no other row to a later front, at worst O(m
 * n²). ERR_NOMEM: the rows are in no order. */
MUST_USE int cost_table_insert(const struct cost_table *table, size_t n, struct rung_row rows[],
                               struct err *err);
/* How many of n rows dominate the costs, and how many are dominated by them, whatever rows will be
 * added; a smaller violation dominates a greater one. */
void cost_table_compare(const struct cost_table *table, size_t n, const struct rung_row rows[],
                        const double costs[], size_t *n_better, size_t *n_worse);

#endif
