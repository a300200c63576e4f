#include "worker/cli/show/steps.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "worker/cli/show/plot.h"
#include "worker/cli/text.h"

enum { ROWS_MAX = 40, COLUMNS_MAX = 400, DIGITS = 6 };

struct chart {
    size_t columns, rows;
    double low, high;
    size_t row_at[COLUMNS_MAX]; /* 0: the lowest; `none` left of the first value */
    size_t none;
};

static size_t row_of(const struct chart *chart, double value)
{
    return (size_t)lround(plot_part(value, chart->low, chart->high) * (double)(chart->rows - 1));
}

/* The best value when the trial of this column had ended. */
static void place(struct chart *chart, const struct best_step best[], size_t n, int64_t last)
{
    size_t at = 0;

    for (size_t column = 0; column < chart->columns; column++) {
        double trial = chart->columns < 2
                           ? (double)last
                           : 1 + (double)(last - 1) * (double)column / (double)(chart->columns - 1);
        while (at < n && (double)best[at].trial <= trial) {
            at++;
        }
        chart->row_at[column] = at == 0 ? chart->none : row_of(chart, best[at - 1].value);
    }
}

/* What stands in a column that comes from row `from` and goes on in row `to`. */
static const char *piece(size_t from, size_t to, size_t row)
{
    if (from == to) {
        return row == to ? "─" : " ";
    }
    if (row == from) {
        return to > from ? "╯" : "╮";
    }
    if (row == to) {
        return to > from ? "╭" : "╰";
    }
    return (row > from) == (row < to) && row != from ? "│" : " ";
}

static void draw_row(const struct chart *chart, size_t row, struct buf *out)
{
    for (size_t column = 0; column < chart->columns; column++) {
        size_t to = chart->row_at[column];
        size_t from = column == 0 || chart->row_at[column - 1] == chart->none
                          ? to
                          : chart->row_at[column - 1];
        buf_puts(out, to == chart->none ? " " : piece(from, to, row));
    }
}

static void find_bounds(struct chart *chart, const struct best_step best[], size_t n)
{
    chart->low = (double)INFINITY;
    chart->high = -(double)INFINITY;
    for (size_t i = 0; i < n; i++) {
        chart->low = fmin(chart->low, best[i].value);
        chart->high = fmax(chart->high, best[i].value);
    }
}

void steps_draw(const struct best_step best[], size_t n, int64_t last, size_t columns, size_t rows,
                struct buf *out)
{
    struct chart chart = {.columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX,
                          .rows = rows < ROWS_MAX ? rows : ROWS_MAX,
                          .none = SIZE_MAX};
    char low[TEXT_NUMBER_BYTES], high[TEXT_NUMBER_BYTES];

    find_bounds(&chart, best, n);
    if (n < 2 || chart.rows < 2 || chart.columns < 2 || !(chart.high > chart.low)
        || !isfinite(chart.high) || !isfinite(chart.low)) {
        return;
    }
    place(&chart, best, n, last);
    (void)text_number(chart.low, DIGITS, low);
    (void)text_number(chart.high, DIGITS, high);
    size_t wide = strlen(low) > strlen(high) ? strlen(low) : strlen(high);
    for (size_t row = chart.rows; row-- > 0;) {
        const char *title = row == 0 ? low : row == chart.rows - 1 ? high : "";
        buf_printf(out, "%*s %s", (int)wide, title, *title == '\0' ? "│" : "┤");
        draw_row(&chart, row, out);
        buf_putc(out, '\n');
    }
    buf_printf(out, "%*s  1%*" PRId64 "\n", (int)wide, "", (int)chart.columns - 1, last);
}
