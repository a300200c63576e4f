#include "worker/cli/show/listing.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"

#define TABLE_BYTES (SIZE_MAX / 4) /* memory alone limits a table */

enum { CELL_COLUMNS_MAX = 40 };

static bool is_table(const struct listing *listing)
{
    return listing->output == OUTPUT_TABLE || listing->output == OUTPUT_WIDE;
}

static bool is_shown(const struct listing *listing, size_t column)
{
    return listing->output != OUTPUT_TABLE || !listing->columns[column].wide;
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

/* Ends the program when the table did not fit into memory. */
static void require(bool failed)
{
    if (failed) {
        say("out of memory; use -o csv or ndjson for long lists");
        exit(EXIT_STATUS_FAILED);
    }
}

void listing_begin(struct listing *listing, const struct options *options,
                   const struct column columns[], size_t n_columns)
{
    struct table_format format = {.text = TABLE_CLEAN};

    if (options->output == OUTPUT_CSV) {
        format.style = TABLE_CSV;
        format.quotes_space = true;
    } else {
        format.style = TABLE_ALIGNED;
        format.cell_max = options->output == OUTPUT_TABLE ? CELL_COLUMNS_MAX : 0;
        format.line_max = options->output == OUTPUT_TABLE ? terminal_width(STDOUT_FILENO) : 0;
        format.cuts_cells = true;
        format.trims = true;
        format.upper_titles = true;
        format.bold_titles = options_color(options, STDOUT_FILENO);
        format.absent = "-";
    }
    *listing = (struct listing){
        .output = options->output, .columns = columns, .n_columns = n_columns, .out = stdout};
    table_init(&listing->table, &format, TABLE_BYTES);
    for (size_t i = 0; i < n_columns; i++) {
        if (is_shown(listing, i)) {
            table_column(&listing->table, columns[i].title, columns[i].right);
        }
    }
    require(listing->table.cells.failed);
}

/* Prints what the table holds, with its titles if `whole`, and forgets its rows. */
static void print_table(struct listing *listing, bool whole)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, TABLE_BYTES);
    (whole ? table_write : table_write_rows)(&listing->table, &text);
    require(text.failed);
    (void)fputs(buf_text(&text), listing->out);
    table_clear_rows(&listing->table);
}

/* Once something is known to come, or that nothing does. */
static void print_head(struct listing *listing)
{
    if (listing->output == OUTPUT_CSV) {
        print_table(listing, true);
    }
    if (listing->output == OUTPUT_JSON) {
        (void)fputs("[", listing->out);
    }
}

static void add_cells(struct listing *listing, const char *const cells[])
{
    for (size_t i = 0; i < listing->n_columns; i++) {
        if (is_shown(listing, i)) {
            table_text(&listing->table, cells[i]);
        }
    }
    require(listing->table.cells.failed);
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
        add_cells(listing, cells);
        print_table(listing, false);
        break;
    case OUTPUT_NAME:
        text_print(listing->out,
                   cells[listing->name_column] == NULL ? "" : cells[listing->name_column]);
        break;
    case OUTPUT_TABLE:
    case OUTPUT_WIDE:
    case OUTPUT_COUNT:
        add_cells(listing, cells);
        break;
    }
    listing->n_rows++;
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
        print_table(listing, true);
    }
    table_finish(&listing->table);
}
