/* Rows of cells that fit any width: columns that do not fit are left out whole, the least important
 * first, and only the first column is ever cut. Texts are cleaned. Pure. */
#ifndef WORKER_CLI_TOP_GRID_H
#define WORKER_CLI_TOP_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/own.h"

struct grid_column {
    const char *title;
    bool right;   /* numbers */
    int priority; /* 0 is never left out; of the others those with the largest go first */
};

#define GRID_COLUMNS_MAX 16

struct grid {
    const struct grid_column *columns; /* borrowed */
    size_t n_columns;
    struct buf cells; /* each ended by NUL */
    size_t *at;       /* where the i-th cell begins; owned */
    size_t n_cells, cap_cells;
    size_t widths[GRID_COLUMNS_MAX]; /* 0: left out */
};

void grid_init(struct grid *grid, const struct grid_column columns[], size_t n_columns);
void grid_finish(struct grid *grid);
OWN_VALUE(grid)

/* Adds a cell; rows follow each other. Without memory, it is lost. */
void grid_cell(struct grid *grid, const char *text);
size_t grid_rows(const struct grid *grid);
/* Chooses the columns for lines of `width` columns; those that have no text in any row are not
 * among them. */
void grid_fit(struct grid *grid, size_t width);
/* Append the titles, or a row, without a line end. */
void grid_append_titles(const struct grid *grid, struct buf *out);
void grid_append_row(const struct grid *grid, size_t row, struct buf *out);

#endif
