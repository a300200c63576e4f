#include "server/api/sheet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/utf8.h"

#define SHEET_MAX ((size_t)16 << 20)

void sheet_init(struct sheet *sheet, enum sheet_style style)
{
    *sheet = (struct sheet){.style = style};
    buf_init(&sheet->cells, SHEET_MAX);
}

void sheet_finish(struct sheet *sheet)
{
    buf_finish(&sheet->cells);
}

void sheet_text(struct sheet *sheet, const char *text)
{
    buf_puts(&sheet->cells, text == NULL ? "" : text);
    buf_putc(&sheet->cells, '\0');
    sheet->n_cells++;
}

void sheet_column(struct sheet *sheet, const char *name)
{
    sheet_text(sheet, name);
    sheet->n_columns++;
}

void sheet_int(struct sheet *sheet, int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    sheet_text(sheet, text);
}

void sheet_number(struct sheet *sheet, double value)
{
    char text[JSON_NUMBER_BYTES];

    sheet_text(sheet, json_format_number(value, text));
}

void sheet_moment(struct sheet *sheet, int64_t wall_ms)
{
    char text[CLOCK_TEXT_BYTES];

    sheet_text(sheet, wall_ms <= 0 ? "" : clock_format(wall_ms, text));
}

static void write_csv_cell(const char *cell, struct buf *out)
{
    if (cell[strcspn(cell, ",\"\r\n")] == '\0') {
        buf_puts(out, cell);
        return;
    }
    buf_putc(out, '"');
    for (; *cell != '\0'; cell++) {
        if (*cell == '"') {
            buf_putc(out, '"');
        }
        buf_putc(out, *cell);
    }
    buf_putc(out, '"');
}

#define ESCAPE_BYTES 8

/* The bytes of the next character of a cell. What would command a terminal is written as `escape`,
 * which is "" for all others. */
static size_t next_character(const char *cell, char escape[ESCAPE_BYTES])
{
    uint32_t point = (unsigned char)*cell;
    size_t n = utf8_decode(cell, strnlen(cell, 4), &point);

    escape[0] = '\0';
    if (n == 0 || (n == 1 && utf8_is_unseen(point))) {
        (void)snprintf(escape, ESCAPE_BYTES, "\\x%02x", (unsigned char)*cell);
    } else if (utf8_is_unseen(point)) {
        (void)snprintf(escape, ESCAPE_BYTES, "\\u%04x", (unsigned)(point & 0xffff));
    }
    return n == 0 ? 1 : n;
}

static void write_plain_cell(const char *cell, struct buf *out)
{
    while (*cell != '\0') {
        char escape[ESCAPE_BYTES];
        size_t n = next_character(cell, escape);
        buf_append(out, escape[0] == '\0' ? cell : escape, escape[0] == '\0' ? n : strlen(escape));
        cell += n;
    }
}

/* Characters, as they are written. */
static size_t width_of(const char *cell)
{
    size_t width = 0;

    while (*cell != '\0') {
        char escape[ESCAPE_BYTES];
        cell += next_character(cell, escape);
        width += escape[0] == '\0' ? 1 : strlen(escape);
    }
    return width;
}

#define WIDTH_MAX 60
#define COLUMNS_ALIGNED 512

struct layout {
    size_t widths[COLUMNS_ALIGNED];
};

static void measure(const struct sheet *sheet, struct layout *layout)
{
    const char *cell = sheet->cells.data;

    memset(layout, 0, sizeof *layout);
    for (size_t i = 0; i < sheet->n_cells; i++, cell += strlen(cell) + 1) {
        size_t column = i % sheet->n_columns;
        size_t width = width_of(cell);
        if (column < COLUMNS_ALIGNED && width <= WIDTH_MAX && width > layout->widths[column]) {
            layout->widths[column] = width;
        }
    }
}

static void write_cell(const struct sheet *sheet, const struct layout *layout, const char *cell,
                       size_t column, struct buf *out)
{
    bool last = column + 1 == sheet->n_columns;

    if (sheet->style == SHEET_CSV) {
        write_csv_cell(cell, out);
        buf_putc(out, last ? '\n' : ',');
        return;
    }
    write_plain_cell(cell, out);
    if (last || sheet->style == SHEET_LINES) {
        buf_putc(out, last ? '\n' : '\t');
        return;
    }
    size_t wanted = column < COLUMNS_ALIGNED ? layout->widths[column] : 0;
    for (size_t width = width_of(cell); width < wanted; width++) {
        buf_putc(out, ' ');
    }
    buf_puts(out, "  ");
}

static void write_from(const struct sheet *sheet, size_t first, struct buf *out)
{
    struct layout layout;
    const char *cell = sheet->cells.data;

    if (sheet->cells.failed || cell == NULL) {
        out->failed = out->failed || sheet->cells.failed;
        return;
    }
    measure(sheet, &layout);
    for (size_t i = 0; i < sheet->n_cells; i++, cell += strlen(cell) + 1) {
        if (i >= first) {
            write_cell(sheet, &layout, cell, i % sheet->n_columns, out);
        }
    }
}

void sheet_write_rows(const struct sheet *sheet, struct buf *out)
{
    write_from(sheet, sheet->n_columns, out);
}

void sheet_write(const struct sheet *sheet, struct buf *out)
{
    write_from(sheet, sheet->style == SHEET_LINES ? sheet->n_columns : 0, out);
}

void sheet_write_lines(const struct sheet *sheet, struct buf *out)
{
    const char *name = sheet->cells.data;
    const char *cell = name;

    if (sheet->cells.failed || sheet->n_cells < 2 * sheet->n_columns) {
        out->failed = out->failed || sheet->cells.failed;
        return;
    }
    for (size_t i = 0; i < sheet->n_columns; i++) {
        cell += strlen(cell) + 1;
    }
    for (size_t i = 0; i < sheet->n_columns; i++) {
        if (*cell != '\0') {
            write_plain_cell(name, out);
            buf_puts(out, ": ");
            write_plain_cell(cell, out);
            buf_putc(out, '\n');
        }
        name += strlen(name) + 1;
        cell += strlen(cell) + 1;
    }
}
