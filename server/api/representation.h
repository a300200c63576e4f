/* The other formats of an answer: CSV, an aligned table, plain lines, assignments for a shell,
 * overrides for Hydra.
 *
 * A read writes its answer once, as JSON. What the other formats show of it is said by the
 * representation of the route: which members are columns, and where the rows are. So every format
 * holds the same values, and a new read has all of them with one table of columns.
 *
 *   csv    a line of titles and a line for each row, all columns, cells as they are
 *   table  the same, aligned, the columns that matter to a person, numbers rounded to six digits,
 *          terminal controls escaped
 *   text   a picture or sentences where there is a drawing; "title: value" of an answer that is one
 *          thing; the cells of each row with tabs between them otherwise
 *   sh     export HONE_TITLE='value', of an answer that is one thing
 *   hydra  the parameters of each trial as overrides, a trial a line */
#ifndef SERVER_API_REPRESENTATION_H
#define SERVER_API_REPRESENTATION_H

#include <jansson.h>

#include "common/table.h"
#include "server/api/format.h"
#include "server/state/view.h"

struct representation_column {
    const char *object;   /* the member that holds it: "metrics"; NULL: the row itself */
    const char *key;      /* borrowed; NULL ends a list of columns */
    const char *title;    /* NULL: the key, in CSV behind "object." */
    const char *variable; /* in sh, behind HONE_; NULL: the title */
    bool is_extra;        /* in a table only when ?cols= names it */
    bool is_parameter;    /* its cells tell "1" from 1, as parameters in a table do */
    const char *live;     /* a member whose `key` stands instead where people look; NULL: none */
    bool null_is_nothing; /* null is an inactive parameter, not a value that is null */
    /* Appends the cell from the row; NULL: the value of `key` is the cell. */
    void (*append)(const json_t *row, struct buf *out);
    bool is_right; /* aligned to the right */
};

struct representation_columns {
    struct representation_column *items; /* owned */
    size_t n, cap;
    bool no_memory;
};
void representation_columns_finish(struct representation_columns *columns);
OWN_VALUE(representation_columns)
void representation_columns_add(struct representation_columns *columns,
                                const struct representation_column *column);

#define REPRESENTATION_WIDTH_MIN 40
#define REPRESENTATION_WIDTH_MAX 400
/* What the query says of a table or a drawing. */
struct representation_query {
    int64_t width;    /* columns of the terminal; 0: any number */
    const char *cols; /* names of columns with commas between them; NULL: those of the format */
};

typedef void representation_row(void *context, const json_t *row);

struct representation {
    unsigned formats; /* FORMAT_BIT of each */
    const struct representation_column *columns;
    /* Adds the columns that a study brings, behind the others; NULL: none. */
    void (*add_columns)(const struct live_study_view *study,
                        struct representation_columns *columns);
    bool is_one; /* the answer is one thing, not a list */
    /* Calls `row` for each row of an answer; NULL: the answer itself is the row. Rows may get
     * further members. ERR_NOMEM. */
    int (*each_row)(json_t *answer, representation_row *row, void *context, struct err *err);
    /* Writes FORMAT_TEXT, of any width; NULL: from the rows. */
    void (*draw)(const json_t *answer, const struct representation_query *query, struct buf *out);
    /* What is said to people when there is no row; NULL: nothing. */
    const char *nothing;
    /* Appends what stands below a table; NULL: nothing. */
    void (*foot)(const json_t *answer, struct buf *out);
};

/* Rows in one of these formats, as they come. Plain memory; one thread. */
struct representation_rows {
    const struct representation *representation;
    enum format format;
    struct representation_columns columns; /* those that are shown */
    struct table table;
    struct buf lines; /* of sh and hydra */
    size_t n;         /* rows that have come */
    bool has_begun;   /* the titles are written */
    struct err err;   /* what could not be shown; code 0: nothing */
};
/* ERR_MALFORMED: query->cols names a column that is not there. `study` may be NULL. */
MUST_USE int representation_rows_begin(struct representation_rows *rows,
                                       const struct representation *representation,
                                       enum format format, const struct representation_query *query,
                                       const struct live_study_view *study, struct err *err);
void representation_rows_finish(struct representation_rows *rows);
OWN_VALUE(representation_rows)
/* Adds a row: an object. */
void representation_rows_add(struct representation_rows *rows, const json_t *row);
/* Appends what has come to `out` and forgets it; the first time with titles. Columns are aligned
 * within what is written at once. ERR_MALFORMED: Hydra has no word for a parameter. */
MUST_USE int representation_rows_write(struct representation_rows *rows, struct buf *out,
                                       struct err *err);

/* Appends an answer in one of the representation's formats, FORMAT_JSON excepted. */
MUST_USE int representation_write(const struct representation *representation, enum format format,
                                  const struct representation_query *query,
                                  const struct live_study_view *study, json_t *answer,
                                  struct buf *out, struct err *err);

#endif
