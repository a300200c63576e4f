/* Reads CSV (RFC 4180): a comma or a line end outside of quotes ends a cell, and two quotes within
 * quotes are one. Pure. */
#ifndef WORKER_CLI_DEFINE_CSV_H
#define WORKER_CLI_DEFINE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

struct csv {
    const char *at;   /* what is left of the text; borrowed */
    unsigned line;    /* where it begins, from 1 */
    unsigned row;     /* where the row that was read began */
    struct buf cells; /* of the row that was read, each ended by NUL */
    size_t n_cells;
};

void csv_init(struct csv *csv, const char *text);
void csv_finish(struct csv *csv);
OWN_VALUE(csv)

/* Reads the next row; *more: there was one. Empty lines are passed over. ERR_INVALID with its line:
 * quotes that do not end, or text behind them. */
MUST_USE int csv_next(struct csv *csv, bool *more, struct err *err);
/* The i-th cell of that row. */
const char *csv_cell(const struct csv *csv, size_t i);

#endif
