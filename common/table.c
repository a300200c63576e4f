#include "common/table.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cell.h"
#include "common/clock.h"
#include "common/json.h"

enum { GAP = 2, PART_LEAST = 8 }; /* columns */

void table_init(struct table *table, const struct table_format *format, size_t max_bytes)
{
    *table = (struct table){.format = *format};
    buf_init(&table->cells, max_bytes);
}

void table_finish(struct table *table)
{
    buf_finish(&table->cells);
    free(table->columns);
    table->columns = NULL;
}

void table_text(struct table *table, const char *text)
{
    const char *present = text == NULL ? "" : text;

    switch (table->format.text) {
    case TABLE_ESCAPED:
        cell_append_escaped(&table->cells, present);
        break;
    case TABLE_CLEAN:
        cell_append_clean(&table->cells, present);
        break;
    case TABLE_AS_IS:
    default:
        buf_puts(&table->cells, present);
        break;
    }
    buf_putc(&table->cells, '\0');
    table->n_cells++;
}

void table_column(struct table *table, const char *title, bool is_right)
{
    if (array_reserve(&table->columns, table->n_columns, &table->cap_columns,
                      sizeof *table->columns, NULL)
        != 0) {
        buf_lack_memory(&table->cells);
        return;
    }
    table->columns[table->n_columns++] = (struct table_column){.is_right = is_right};
    table_text(table, title);
    table->title_bytes = table->cells.len;
}

void table_int(struct table *table, int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    table_text(table, text);
}

void table_number(struct table *table, double value)
{
    char text[JSON_NUMBER_BYTES];

    table_text(table, json_format_number(value, text));
}

void table_moment(struct table *table, int64_t wall_ms)
{
    char text[CLOCK_TEXT_BYTES];

    table_text(table, wall_ms <= 0 ? "" : clock_format(wall_ms, text));
}

void table_clear_rows(struct table *table)
{
    if (!table->cells.failed) {
        table->cells.len = table->title_bytes;
        table->n_cells = table->n_columns;
    }
}

/* The text of a cell or a title; what stands for a cell that is empty. */
static const char *shown(const struct table *table, const char *cell)
{
    bool is_title = cell < table->cells.data + table->title_bytes;

    return *cell == '\0' && !is_title && table->format.absent != NULL ? table->format.absent : cell;
}

static void measure(const struct table *table, size_t widths[])
{
    const struct table_format *format = &table->format;
    const char *cell = table->cells.data;

    for (size_t i = 0; i < table->n_cells; i++, cell += strlen(cell) + 1) {
        size_t *widest = &widths[i % table->n_columns];
        size_t width = cell_columns(shown(table, cell));
        if (format->cell_max > 0 && width > format->cell_max) {
            width = format->cuts_cells ? format->cell_max : 0;
        }
        *widest = width > *widest ? width : *widest;
    }
}

static void append_upper(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        buf_putc(out, (char)toupper((unsigned char)*text));
    }
}

/* Appends the cell and the spaces that fill its column. */
static void append_aligned(const struct table *table, const char *cell, size_t wanted, bool right,
                           struct buf *line)
{
    size_t width = cell_columns(cell);

    if (table->format.cuts_cells) {
        cell_append_fitted(line, cell, wanted, right);
        return;
    }
    for (size_t i = width; right && i < wanted; i++) {
        buf_putc(line, ' ');
    }
    buf_puts(line, cell);
    for (size_t i = width; !right && i < wanted; i++) {
        buf_putc(line, ' ');
    }
}

static void append_cut(const struct table_format *format, const char *line, struct buf *out)
{
    if (format->ascii) {
        cell_append_fitted_ascii(out, line, format->line_max);
    } else {
        cell_append_fitted(out, line, format->line_max, false);
    }
}

/* How many columns are shown: where the line ends within a number, or in the first letters of a
 * text, the column is left out whole, so that no half of it is taken for all. */
static size_t columns_shown(const struct table *table, const size_t widths[])
{
    const struct table_format *format = &table->format;
    size_t mark = format->ascii ? 3 : 1; /* what says that something was left out */
    size_t begin = 0, n = 0;

    for (; n < table->n_columns && begin + widths[n] <= format->line_max; n++) {
        begin += widths[n] + GAP;
    }
    if (format->line_max == 0 || n == table->n_columns
        || (!table->columns[n].is_right && begin + PART_LEAST + mark <= format->line_max)) {
        return table->n_columns;
    }
    for (; n > 0 && begin + mark > format->line_max; n--) {
        begin -= widths[n - 1] + GAP;
    }
    return n == 0 ? table->n_columns : n;
}

/* One line of an aligned table; returns the cell behind it. */
static const char *write_aligned(const struct table *table, const size_t widths[], const char *cell,
                                 struct buf *out)
{
    const struct table_format *format = &table->format;
    OWN(buf) struct buf line;
    OWN(buf) struct buf title;
    bool are_titles = cell == table->cells.data;
    size_t n_shown = columns_shown(table, widths);

    buf_init(&line, table->cells.max);
    buf_init(&title, table->cells.max);
    for (size_t i = 0; i < table->n_columns; i++, cell += strlen(cell) + 1) {
        const char *text = shown(table, cell);
        bool is_right = table->columns[i].is_right;
        if (i >= n_shown) {
            buf_puts(&line, i > n_shown ? "" : format->ascii ? "..." : "…");
            continue;
        }
        bool is_last = i + 1 == table->n_columns;
        bool is_open = is_last && !is_right && !format->cuts_cells; /* nothing stands behind it */
        if (are_titles && format->upper_titles) {
            buf_clear(&title);
            append_upper(&title, text);
            buf_check_part(out, &title);
            text = buf_text(&title);
        }
        append_aligned(table, text, is_open ? 0 : widths[i], is_right, &line);
        buf_puts(&line, is_last ? "" : "  ");
    }
    while (format->trims && line.len > 0 && line.data[line.len - 1] == ' ') {
        line.data[--line.len] = '\0';
    }
    bool is_bold = are_titles && format->bold_titles;
    buf_puts(out, is_bold ? "\033[1m" : "");
    if (format->line_max > 0 && cell_columns(buf_text(&line)) > format->line_max) {
        append_cut(format, buf_text(&line), out);
    } else {
        buf_puts(out, buf_text(&line));
    }
    buf_puts(out, is_bold ? "\033[0m\n" : "\n");
    buf_check_part(out, &line);
    out->failed = out->failed || line.failed || title.failed;
    return cell;
}

/* One line of CSV or of plain lines; returns the cell behind it. */
static const char *write_line(const struct table *table, const char *cell, struct buf *out)
{
    const struct table_format *format = &table->format;

    for (size_t i = 0; i < table->n_columns; i++, cell += strlen(cell) + 1) {
        if (format->style == TABLE_CSV) {
            buf_puts(out, i == 0 ? "" : ",");
            cell_append_csv(out, cell, format->quotes_space);
        } else {
            buf_puts(out, i == 0 ? "" : "\t");
            buf_puts(out, cell);
        }
    }
    buf_putc(out, '\n');
    return cell;
}

static void write_from(const struct table *table, size_t first_row, struct buf *out)
{
    const char *cell = table->cells.data;

    buf_check_part(out, &table->cells);
    if (table->cells.failed || cell == NULL) {
        out->failed = out->failed || table->cells.failed;
        return;
    }
    OWN(memory) size_t *widths = calloc(table->n_columns, sizeof *widths);
    if (widths == NULL) {
        buf_lack_memory(out);
        return;
    }
    if (table->format.style == TABLE_ALIGNED) {
        measure(table, widths);
    }
    if (first_row == 1) {
        cell += table->title_bytes;
    }
    for (size_t row = first_row; row < table->n_cells / table->n_columns; row++) {
        cell = table->format.style == TABLE_ALIGNED ? write_aligned(table, widths, cell, out)
                                                    : write_line(table, cell, out);
    }
}

void table_write_rows(const struct table *table, struct buf *out)
{
    write_from(table, 1, out);
}

void table_write(const struct table *table, struct buf *out)
{
    write_from(table, table->format.style == TABLE_LINES ? 1 : 0, out);
}

void table_write_fields(const struct table *table, struct buf *out)
{
    const char *title = table->cells.data;

    buf_check_part(out, &table->cells);
    if (table->cells.failed || table->n_cells < 2 * table->n_columns) {
        out->failed = out->failed || table->cells.failed;
        return;
    }
    const char *cell = title + table->title_bytes;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (*cell != '\0') {
            buf_printf(out, "%s: %s\n", title, cell);
        }
        title += strlen(title) + 1;
        cell += strlen(cell) + 1;
    }
}
