/* A list of things on standard output, in the format that -o asked for: an aligned table, CSV, JSON
 * as one array, JSON one a line, or names alone. Each row comes as the server's JSON and as cells.
 *
 * Tables are printed at the end, when the widths are known; the other formats row by row, so that
 * a long list costs no memory. Cells may come from a server: what would command a terminal is left
 * out here, but not of CSV for a file or a program. */
#ifndef WORKER_CLI_SHOW_PRINTED_LIST_H
#define WORKER_CLI_SHOW_PRINTED_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/table.h"
#include "worker/cli/options.h"

struct column {
    const char *title; /* upper case in a table, as it is in CSV */
    bool right;        /* numbers */
    bool wide;         /* shown in wide and CSV only */
};

struct printed_list {
    enum output output;
    const struct column *columns; /* borrowed until the end */
    size_t n_columns;
    size_t name_column; /* for OUTPUT_NAME */
    FILE *out;
    size_t n_rows;
    struct table table; /* owned: every row of a table, the one being printed of CSV */
};

/* An empty list in the format of the options, which it borrows with the columns. */
void printed_list_begin(struct printed_list *list, const struct options *options,
                        const struct column columns[], size_t n_columns);
/* `cells` has n_columns texts; NULL is an empty one. `item` may be NULL for tables and CSV. */
void printed_list_row(struct printed_list *list, const json_t *item, const char *const cells[]);
/* Prints what is left and frees everything. `nothing`, unless NULL, is said on stderr when a table
 * has no rows and the list `is_whole`; of one that could not be had, only the rows that came are
 * printed, and a JSON array stays open, so that a part is not taken for the whole. */
void printed_list_end(struct printed_list *list, bool is_whole, const char *nothing);

/* One JSON value and a line end, numbers in their shortest form. */
void print_json(FILE *out, const json_t *value);

#endif
