#include "worker/cli/show/printed_list.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"

#define TABLE_BYTES (SIZE_MAX / 4) /* memory alone limits a table */

enum { CELL_COLUMNS_MAX = 40 };

static bool is_table(const struct printed_list *list)
{
    return list->output == OUTPUT_TABLE || list->output == OUTPUT_WIDE;
}

static bool is_shown(const struct printed_list *list, size_t column)
{
    return list->output != OUTPUT_TABLE || !list->columns[column].wide;
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

void printed_list_begin(struct printed_list *list, const struct options *options,
                        const struct column columns[], size_t n_columns)
{
    struct table_format format = {.text = TABLE_CLEAN};

    if (options->output == OUTPUT_CSV) {
        format.style = TABLE_CSV;
        format.text = isatty(STDOUT_FILENO) == 1 ? TABLE_CLEAN : TABLE_AS_IS; /* else it is data */
        format.quotes_space = true;
    } else {
        format.style = TABLE_ALIGNED;
        format.cell_max = options->output == OUTPUT_TABLE ? CELL_COLUMNS_MAX : 0;
        format.line_max =
            options->output == OUTPUT_TABLE ? options_width(options, STDOUT_FILENO) : 0;
        format.cuts_cells = true;
        format.trims = true;
        format.upper_titles = true;
        format.bold_titles = options_color(options, STDOUT_FILENO);
        format.absent = "-";
    }
    *list = (struct printed_list){
        .output = options->output, .columns = columns, .n_columns = n_columns, .out = stdout};
    table_init(&list->table, &format, TABLE_BYTES);
    for (size_t i = 0; i < n_columns; i++) {
        if (is_shown(list, i)) {
            table_column(&list->table, columns[i].title, columns[i].right);
        }
    }
    require(list->table.cells.failed);
}

/* Prints what the table holds, with its titles if `whole`, and forgets its rows. */
static void print_table(struct printed_list *list, bool whole)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, TABLE_BYTES);
    (whole ? table_write : table_write_rows)(&list->table, &text);
    require(text.failed);
    (void)fputs(buf_text(&text), list->out);
    table_clear_rows(&list->table);
}

/* Once something is known to come, or that nothing does. */
static void print_head(struct printed_list *list)
{
    if (list->output == OUTPUT_CSV) {
        print_table(list, true);
    }
    if (list->output == OUTPUT_JSON) {
        (void)fputs("[", list->out);
    }
}

static void add_cells(struct printed_list *list, const char *const cells[])
{
    for (size_t i = 0; i < list->n_columns; i++) {
        if (is_shown(list, i)) {
            table_text(&list->table, cells[i]);
        }
    }
    require(list->table.cells.failed);
}

void printed_list_row(struct printed_list *list, const json_t *item, const char *const cells[])
{
    if (list->n_rows == 0) {
        print_head(list);
    }
    switch (list->output) {
    case OUTPUT_JSON:
        (void)fputs(list->n_rows > 0 ? "," : "", list->out);
        print_json(list->out, item);
        break;
    case OUTPUT_NDJSON:
        print_json(list->out, item);
        break;
    case OUTPUT_CSV:
        add_cells(list, cells);
        print_table(list, false);
        break;
    case OUTPUT_NAME:
        text_print(list->out, cells[list->name_column] == NULL ? "" : cells[list->name_column]);
        break;
    case OUTPUT_TABLE:
    case OUTPUT_WIDE:
    case OUTPUT_COUNT:
        add_cells(list, cells);
        break;
    }
    list->n_rows++;
}

static void print_foot(struct printed_list *list, const char *nothing)
{
    if (list->n_rows == 0) {
        print_head(list);
    }
    if (list->output == OUTPUT_JSON) {
        (void)fputs("]\n", list->out);
    }
    if (is_table(list) && list->n_rows == 0 && nothing != NULL) {
        say("%s", nothing);
    }
}

void printed_list_end(struct printed_list *list, bool is_whole, const char *nothing)
{
    if (is_whole) {
        print_foot(list, nothing);
    }
    if (is_table(list) && list->n_rows > 0) {
        print_table(list, true);
    }
    table_finish(&list->table);
}
