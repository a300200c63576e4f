/* Rows of texts as CSV, as plain lines, or as an aligned table: for the server's answers and for
 * the command line.
 *
 * table_init(), table_column() for each title, then for each row its cells in order of the columns,
 * then table_write(). A long list may be written in pieces: table_write() once, then
 * table_clear_rows() and table_write_rows() for each piece; columns are then aligned within a
 * piece. What exceeds the limit of bytes or memory sets `failed` in the buffer that is written to.
 * Plain memory; not shared between threads. */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

enum table_style {
    TABLE_CSV,    /* with a line of titles */
    TABLE_LINES,  /* a tab between cells, no titles */
    TABLE_ALIGNED /* with a line of titles, two spaces between columns */
};

/* What happens to characters that would command a terminal. Wide ones count as two columns. */
enum table_text {
    TABLE_AS_IS,
    TABLE_ESCAPED, /* shown as "\x1b" */
    TABLE_CLEAN    /* left out */
};

struct table_format {
    enum table_style style;
    enum table_text text;
    /* CSV */
    bool quotes_space; /* also quotes a cell that begins with a space */
    /* Aligned */
    size_t cell_max;    /* columns; a wider cell does not widen its column. 0: none */
    bool cuts_cells;    /* and ends there with "…"; else it is written whole */
    size_t line_max;    /* columns; a wider line ends there with "…", and never within a number:
                           such a column is left out whole. 0: none */
    bool ascii;         /* a line that is cut ends with "..." instead */
    bool trims;         /* no spaces at the end of a line */
    bool upper_titles;  /* in upper case */
    bool bold_titles;   /* in bold, for a terminal */
    const char *absent; /* what stands for an empty cell; NULL: nothing */
};

struct table_column {
    bool is_right; /* aligned to the right: numbers */
};

struct table {
    struct table_format format;
    struct table_column *columns; /* owned */
    size_t n_columns, cap_columns;
    size_t n_cells; /* the titles among them */
    size_t title_bytes;
    struct buf cells; /* each ended by NUL */
};

/* A table that holds at most `max_bytes` of cells. */
void table_init(struct table *table, const struct table_format *format, size_t max_bytes);
void table_finish(struct table *table);
OWN_VALUE(table)
/* Adds a column; before any cell. */
void table_column(struct table *table, const char *title, bool is_right);
/* Each of these adds a cell. */
void table_text(struct table *table, const char *text); /* NULL: empty */
void table_int(struct table *table, int64_t value);
void table_number(struct table *table, double value);
void table_moment(struct table *table, int64_t wall_ms); /* <= 0: empty */

/* Appends the titles, if the style has them, and the rows. */
void table_write(const struct table *table, struct buf *out);
/* Appends the rows alone, for pieces after the first. */
void table_write_rows(const struct table *table, struct buf *out);
/* Appends the first row alone, as lines of "title: value"; empty cells are left out. */
void table_write_fields(const struct table *table, struct buf *out);
/* Forgets the rows and keeps the titles. */
void table_clear_rows(struct table *table);

#endif
