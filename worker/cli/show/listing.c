#include "worker/cli/show/listing.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"

enum { LINE_BYTES = 1 << 20, CELL_COLUMNS_MAX = 40, GAP = 2 };

static bool is_table(const struct listing *listing)
{
    return listing->output == OUTPUT_TABLE || listing->output == OUTPUT_WIDE;
}

static bool is_shown(const struct listing *listing, size_t column)
{
    return listing->output != OUTPUT_TABLE || !listing->columns[column].wide;
}

static void csv_cell(struct buf *line, const char *cell)
{
    bool quote = strpbrk(cell, ",\"") != NULL || *cell == ' ';

    if (quote) {
        buf_putc(line, '"');
    }
    for (; *cell != '\0'; cell++) {
        if (*cell == '"') {
            buf_putc(line, '"');
        }
        buf_putc(line, *cell);
    }
    if (quote) {
        buf_putc(line, '"');
    }
}

static char *cleaned(const char *text)
{
    OWN(buf) struct buf clean = {0};

    buf_init(&clean, LINE_BYTES);
    text_append_clean(&clean, text == NULL ? "" : text);
    return buf_steal(&clean);
}

static void csv_row(const struct listing *listing, const char *const cells[])
{
    OWN(buf) struct buf line = {0};

    buf_init(&line, LINE_BYTES);
    for (size_t i = 0; i < listing->n_columns; i++) {
        OWN(memory) char *cell = cleaned(cells[i]);
        buf_puts(&line, i > 0 ? "," : "");
        csv_cell(&line, cell == NULL ? "" : cell);
    }
    (void)fprintf(listing->out, "%s\n", buf_text(&line));
}

void print_json(FILE *out, const json_t *value)
{
    OWN(buf) struct buf text = {0};
    struct json_writer writer;

    buf_init(&text, (size_t)64 << 20);
    json_writer_init(&writer, &text);
    json_write_value(&writer, value);
    (void)fprintf(out, "%s\n", buf_text(&text));
}

void listing_begin(struct listing *listing, const struct options *options,
                   const struct column columns[], size_t n_columns)
{
    *listing = (struct listing){
        .output = options->output,
        .columns = columns,
        .n_columns = n_columns,
        .width = options->output == OUTPUT_TABLE ? terminal_width(STDOUT_FILENO) : 0,
        .color = options_color(options, STDOUT_FILENO),
        .out = stdout};
}

/* Once something is known to come, or that nothing does. */
static void print_head(struct listing *listing)
{
    if (listing->output == OUTPUT_CSV) {
        const char **titles = calloc(listing->n_columns, sizeof *titles);
        for (size_t i = 0; titles != NULL && i < listing->n_columns; i++) {
            titles[i] = listing->columns[i].title;
        }
        if (titles != NULL) {
            csv_row(listing, titles);
        }
        free(titles);
    }
    if (listing->output == OUTPUT_JSON) {
        (void)fputs("[", listing->out);
    }
}

static void keep(struct listing *listing, const char *const cells[])
{
    size_t needed = (listing->n_rows + 1) * listing->n_columns;

    if (needed > listing->cap) {
        size_t cap = needed * 2;
        char **grown = reallocarray(listing->cells, cap, sizeof *grown);
        if (grown == NULL) {
            say("out of memory; use -o csv or ndjson for long lists");
            exit(EXIT_STATUS_FAILED);
        }
        listing->cells = grown;
        listing->cap = cap;
    }
    for (size_t i = 0; i < listing->n_columns; i++) {
        listing->cells[listing->n_rows * listing->n_columns + i] = cleaned(cells[i]);
    }
}

void listing_row(struct listing *listing, const json_t *item, const char *const cells[])
{
    if (listing->n_rows == 0) {
        print_head(listing);
    }
    switch (listing->output) {
    case OUTPUT_JSON:
        (void)fputs(listing->n_rows > 0 ? "," : "", listing->out);
        print_json(listing->out, item);
        break;
    case OUTPUT_NDJSON:
        print_json(listing->out, item);
        break;
    case OUTPUT_CSV:
        csv_row(listing, cells);
        break;
    case OUTPUT_NAME:
        text_print(listing->out,
                   cells[listing->name_column] == NULL ? "" : cells[listing->name_column]);
        break;
    case OUTPUT_TABLE:
    case OUTPUT_WIDE:
    case OUTPUT_COUNT:
        keep(listing, cells);
        break;
    }
    listing->n_rows++;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const char *cell_at(const struct listing *listing, size_t row, size_t column)
{
    const char *cell = listing->cells[row * listing->n_columns + column];

    return cell == NULL || *cell == '\0' ? "-" : cell;
}

static size_t column_width(const struct listing *listing, size_t column, const char *title)
{
    size_t width = text_width(title);

    for (size_t row = 0; row < listing->n_rows; row++) {
        size_t one = text_width(cell_at(listing, row, column));
        width = one > width ? one : width;
    }
    return listing->output == OUTPUT_TABLE && width > CELL_COLUMNS_MAX ? CELL_COLUMNS_MAX : width;
}

static void table_line(const struct listing *listing, const size_t widths[],
                       const char *const cells[], bool bold)
{
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf cut = {0};

    buf_init(&line, LINE_BYTES);
    buf_init(&cut, LINE_BYTES);
    for (size_t i = 0, n = 0; i < listing->n_columns; i++) {
        if (!is_shown(listing, i)) {
            continue;
        }
        buf_puts(&line, n++ > 0 ? "  " : "");
        text_append_fitted(&line, cells[i], widths[i], listing->columns[i].right);
    }
    while (line.len > 0 && line.data[line.len - 1] == ' ') {
        line.data[--line.len] = '\0';
    }
    if (listing->width > 0 && text_width(buf_text(&line)) > listing->width) {
        text_append_fitted(&cut, buf_text(&line), listing->width, false);
    } else {
        buf_puts(&cut, buf_text(&line));
    }
    (void)fprintf(listing->out, "%s%s%s\n", bold ? "\033[1m" : "", buf_text(&cut),
                  bold ? "\033[0m" : "");
}

static void table_print(const struct listing *listing, size_t widths[], const char *cells[])
{
    OWN(buf) struct buf titles = {0};

    buf_init(&titles, LINE_BYTES);
    for (size_t i = 0; i < listing->n_columns; i++) {
        size_t before = titles.len;
        text_append_clean(&titles, listing->columns[i].title);
        for (size_t at = before; at < titles.len; at++) {
            titles.data[at] = (char)toupper((unsigned char)titles.data[at]);
        }
        buf_putc(&titles, '\0');
        widths[i] = column_width(listing, i, buf_text(&titles) + before);
    }
    const char *title = buf_text(&titles);
    for (size_t i = 0; i < listing->n_columns; i++) {
        cells[i] = title;
        title += strlen(title) + 1;
    }
    table_line(listing, widths, cells, listing->color);
    for (size_t row = 0; row < listing->n_rows; row++) {
        for (size_t i = 0; i < listing->n_columns; i++) {
            cells[i] = cell_at(listing, row, i);
        }
        table_line(listing, widths, cells, false);
    }
}

static void print_foot(struct listing *listing, const char *nothing)
{
    if (listing->n_rows == 0) {
        print_head(listing);
    }
    if (listing->output == OUTPUT_JSON) {
        (void)fputs("]\n", listing->out);
    }
    if (is_table(listing) && listing->n_rows == 0) {
        say("%s", nothing);
    }
}

void listing_end(struct listing *listing, bool is_whole, const char *nothing)
{
    if (is_whole) {
        print_foot(listing, nothing);
    }
    if (is_table(listing) && listing->n_rows > 0) {
        size_t *widths = calloc(listing->n_columns, sizeof *widths);
        const char **cells = calloc(listing->n_columns, sizeof *cells);
        if (widths != NULL && cells != NULL) {
            table_print(listing, widths, cells);
        }
        free(widths);
        free(cells);
    }
    for (size_t i = 0; is_table(listing) && i < listing->n_rows * listing->n_columns; i++) {
        free(listing->cells[i]);
    }
    free(listing->cells);
    listing->cells = NULL;
}
