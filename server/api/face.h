/* One URL, several faces: JSON unless the request asks for another, by ?format= or Accept. */
#ifndef SERVER_API_FACE_H
#define SERVER_API_FACE_H

#include "common/buf.h"
#include "common/err.h"
#include "server/http/http.h"

enum face { FACE_JSON, FACE_NDJSON, FACE_CSV, FACE_TEXT, FACE_TABLE, FACE_SH, FACE_COUNT };

/* What a route offers, as bits. */
#define FACE_BIT(face) (1U << (face))
#define FACES_LIST                                                                                 \
    (FACE_BIT(FACE_JSON) | FACE_BIT(FACE_NDJSON) | FACE_BIT(FACE_CSV) | FACE_BIT(FACE_TEXT)        \
     | FACE_BIT(FACE_TABLE))
#define FACES_ONE (FACE_BIT(FACE_JSON) | FACE_BIT(FACE_TEXT) | FACE_BIT(FACE_TABLE))
#define FACES_LEASE (FACE_BIT(FACE_JSON) | FACE_BIT(FACE_SH))
#define FACES_ACTION (FACE_BIT(FACE_JSON) | FACE_BIT(FACE_TEXT))

/* ?format= stands above Accept and must be one that is offered (ERR_MALFORMED lists them). An
 * Accept that fits nothing gets JSON. Inside the handler. */
MUST_USE int face_choose(const struct http_request *request, unsigned offered, enum face *face,
                         struct err *err);
const char *face_name(enum face face);
const char *face_content_type(enum face face);

/* ---- rows of texts as CSV, as lines, or as an aligned table -------------------------------------
 * sheet_init(), then for each row its cells in order of the columns, then sheet_write(). CSV has a
 * line of names; text has tabs between the cells and no names; table has names and is aligned.
 * Control characters of cells reach a terminal escaped. */
struct sheet {
    enum face face;
    size_t n_columns;
    size_t n_cells;
    struct buf cells; /* each ended by NUL */
};
void sheet_init(struct sheet *sheet, enum face face);
void sheet_finish(struct sheet *sheet);
OWN_VALUE(sheet)
/* The names; before any cell. */
void sheet_column(struct sheet *sheet, const char *name);
void sheet_text(struct sheet *sheet, const char *text); /* NULL: empty */
void sheet_int(struct sheet *sheet, int64_t value);
void sheet_number(struct sheet *sheet, double value);
void sheet_moment(struct sheet *sheet, int64_t wall_ms); /* <= 0: empty */
void sheet_write(const struct sheet *sheet, struct buf *out);
/* The line of names alone is left out, for pieces after the first. */
void sheet_write_rows(const struct sheet *sheet, struct buf *out);

#endif
