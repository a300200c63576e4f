#include "worker/cli/top/grid.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cell.h"
#include "common/wrap.h"

enum { CELLS_BYTES = 64 << 20, CELL_MAX = 40, GAP = 2, FIRST_LEAST = 8 };

void grid_init(struct grid *grid, const struct grid_column columns[], size_t n_columns)
{
    *grid = (struct grid){.columns = columns, .n_columns = n_columns};
    buf_init(&grid->cells, CELLS_BYTES);
}

void grid_finish(struct grid *grid)
{
    buf_drop(&grid->cells);
    free(grid->at);
    *grid = (struct grid){0};
}

void grid_cell(struct grid *grid, const char *text)
{
    struct err err;

    if (array_reserve(&grid->at, grid->n_cells, &grid->cap_cells, sizeof *grid->at, &err) != 0) {
        return;
    }
    grid->at[grid->n_cells++] = grid->cells.len;
    cell_append_clean(&grid->cells, text == NULL || *text == '\0' ? "-" : text);
    buf_putc(&grid->cells, '\0');
}

size_t grid_rows(const struct grid *grid)
{
    return grid->n_cells / grid->n_columns;
}

static const char *cell_at(const struct grid *grid, size_t row, size_t column)
{
    size_t at = grid->at[row * grid->n_columns + column];

    return at < grid->cells.len ? grid->cells.data + at : "";
}

static size_t total(const struct grid *grid)
{
    size_t sum = 0;

    for (size_t c = 0; c < grid->n_columns; c++) {
        sum += grid->widths[c] == 0 ? 0 : grid->widths[c] + (sum > 0 ? GAP : 0);
    }
    return sum;
}

/* Leaves out the least important of the columns; false: none may be. */
static bool leave_one_out(struct grid *grid)
{
    size_t least = 0;

    for (size_t c = 1; c < grid->n_columns; c++) {
        if (grid->widths[c] > 0
            && (grid->widths[least] == 0
                || grid->columns[c].priority >= grid->columns[least].priority)) {
            least = c;
        }
    }
    if (grid->columns[least].priority == 0) {
        return false;
    }
    grid->widths[least] = 0;
    return true;
}

static bool is_empty(const struct grid *grid, size_t column)
{
    for (size_t row = 0; row < grid_rows(grid); row++) {
        if (strcmp(cell_at(grid, row, column), "-") != 0) {
            return false;
        }
    }
    return grid_rows(grid) > 0;
}

void grid_fit(struct grid *grid, size_t width)
{
    for (size_t c = 0; c < grid->n_columns; c++) {
        grid->widths[c] = 0;
        if (grid->columns[c].priority > 0 && is_empty(grid, c)) {
            continue;
        }
        grid->widths[c] = strlen(grid->columns[c].title);
        for (size_t row = 0; row < grid_rows(grid); row++) {
            size_t columns = cell_columns(cell_at(grid, row, c));
            columns = columns > CELL_MAX ? CELL_MAX : columns;
            grid->widths[c] = columns > grid->widths[c] ? columns : grid->widths[c];
        }
    }
    for (;;) {
        size_t over = total(grid) > width ? total(grid) - width : 0;
        size_t spare = grid->widths[0] > FIRST_LEAST ? grid->widths[0] - FIRST_LEAST : 0;
        if (over <= spare / 2 || !leave_one_out(grid)) {
            grid->widths[0] -= over < spare ? over : spare;
            return;
        }
    }
}

static void append_cell(const struct grid *grid, size_t column, const char *text, bool is_last,
                        struct buf *out)
{
    size_t width = grid->widths[column];

    if (grid->columns[column].right) {
        cell_append_fitted(out, text, width, true);
    } else if (is_last && cell_columns(text) <= width) {
        buf_puts(out, text); /* no spaces at the end */
    } else if (column == 0) {
        wrap_name(out, text, width);
    } else {
        cell_append_fitted(out, text, width, false);
    }
}

static void append_line(const struct grid *grid, size_t row, bool titles, struct buf *out)
{
    size_t last = 0;
    bool first = true;

    for (size_t c = 0; c < grid->n_columns; c++) {
        last = grid->widths[c] > 0 ? c : last;
    }
    for (size_t c = 0; c < grid->n_columns; c++) {
        if (grid->widths[c] > 0) {
            buf_puts(out, first ? "" : "  ");
            append_cell(grid, c, titles ? grid->columns[c].title : cell_at(grid, row, c), c == last,
                        out);
            first = false;
        }
    }
}

void grid_append_titles(const struct grid *grid, struct buf *out)
{
    append_line(grid, 0, true, out);
}

void grid_append_row(const struct grid *grid, size_t row, struct buf *out)
{
    append_line(grid, row, false, out);
}
