/* The three formats in which the API writes a table (common/table.h).
 *
 * CSV holds cells as they are and begins with a line of names; lines and tables show control
 * characters escaped. A cell of more than 60 characters does not widen its column of a table.
 * Plain memory; not shared between threads. */
#ifndef SERVER_API_SHEET_H
#define SERVER_API_SHEET_H

#include <stdint.h>

#include "common/buf.h"
#include "common/table.h"

enum sheet_style { SHEET_CSV, SHEET_LINES, SHEET_TABLE };

struct sheet {
    enum sheet_style style;
    struct table table;
};
void sheet_init(struct sheet *sheet, enum sheet_style style);
void sheet_finish(struct sheet *sheet);
OWN_VALUE(sheet)
/* Before any cell. */
void sheet_column(struct sheet *sheet, const char *name);
void sheet_text(struct sheet *sheet, const char *text); /* NULL: empty */
void sheet_int(struct sheet *sheet, int64_t value);
void sheet_step(struct sheet *sheet, int64_t step, int digits);
void sheet_number(struct sheet *sheet, double value);
void sheet_moment(struct sheet *sheet, int64_t wall_ms); /* <= 0: empty */
void sheet_write(const struct sheet *sheet, struct buf *out);
/* Without the names, for pieces after the first. */
void sheet_write_rows(const struct sheet *sheet, struct buf *out);
/* The first row alone, as lines of "name: value"; empty cells are left out. */
void sheet_write_lines(const struct sheet *sheet, struct buf *out);

#endif
