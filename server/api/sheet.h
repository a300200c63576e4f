/* Rows of texts as CSV, as plain lines, or as an aligned table.
 *
 * sheet_init(), sheet_column() for each name, then for each row its cells in order of the columns,
 * then sheet_write(). CSV begins with a line of names; lines have tabs between their cells and no
 * names; a table has names and is aligned. Control characters reach a terminal escaped, CSV holds
 * cells as they are. Plain memory; not shared between threads. */
#ifndef SERVER_API_SHEET_H
#define SERVER_API_SHEET_H

#include <stdint.h>

#include "common/buf.h"

enum sheet_style { SHEET_CSV, SHEET_LINES, SHEET_TABLE };

struct sheet {
    enum sheet_style style;
    size_t n_columns;
    size_t n_cells;
    struct buf cells; /* each ended by NUL */
};
void sheet_init(struct sheet *sheet, enum sheet_style style);
void sheet_finish(struct sheet *sheet);
OWN_VALUE(sheet)
/* Before any cell. */
void sheet_column(struct sheet *sheet, const char *name);
void sheet_text(struct sheet *sheet, const char *text); /* NULL: empty */
void sheet_int(struct sheet *sheet, int64_t value);
void sheet_number(struct sheet *sheet, double value);
void sheet_moment(struct sheet *sheet, int64_t wall_ms); /* <= 0: empty */
void sheet_write(const struct sheet *sheet, struct buf *out);
/* Without the names, for pieces after the first. */
void sheet_write_rows(const struct sheet *sheet, struct buf *out);
/* The first row alone, as lines of "name: value"; empty cells are left out. */
void sheet_write_lines(const struct sheet *sheet, struct buf *out);

#endif
