#include "server/api/representation.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/figures.h"
#include "common/hydra.h"
#include "common/json.h"
#include "common/json_value.h"
#include "common/names.h"
#include "common/shell.h"
#include "common/wrap.h"

#define REPRESENTATION_BYTES ((size_t)64 << 20)
#define DIGITS 6        /* of a number in a table */
#define CELL_COLUMNS 60 /* a wider cell does not widen its column of a table */

/* ---- columns -------------------------------------------------------------------------------- */

void representation_columns_finish(struct representation_columns *columns)
{
    free(columns->items);
    *columns = (struct representation_columns){0};
}

void representation_columns_add(struct representation_columns *columns,
                                const struct representation_column *column)
{
    if (array_reserve(&columns->items, columns->n, &columns->cap, sizeof *columns->items, NULL)
        != 0) {
        columns->no_memory = true;
        return;
    }
    columns->items[columns->n++] = *column;
}

/* What the column is called in CSV. */
static void append_full_title(const struct representation_column *column, struct buf *out)
{
    if (column->title != NULL) {
        buf_puts(out, column->title);
        return;
    }
    if (column->object != NULL) {
        buf_printf(out, "%s.", column->object);
    }
    buf_puts(out, column->key);
}

static const char *short_title(const struct representation_column *column)
{
    return column->title != NULL ? column->title : column->key;
}

/* How much of `text` names this column, up to a comma or the end; 0: nothing. */
static size_t named(const struct representation_column *column, const char *text, struct buf *full)
{
    size_t longest = 0;

    buf_clear(full);
    append_full_title(column, full);
    const char *const names[] = {buf_text(full), short_title(column)};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        bool is_name = strncmp(text, names[i], len) == 0 && (text[len] == ',' || text[len] == '\0');
        longest = is_name && len > longest ? len : longest;
    }
    return longest;
}

static int no_such_column(const struct representation_columns *all, const char *text,
                          struct err *err)
{
    OWN(buf) struct buf names;

    buf_init(&names, 300);
    for (size_t i = 0; i < all->n && !names.failed; i++) {
        buf_puts(&names, i > 0 ? ", " : "");
        append_full_title(&all->items[i], &names);
    }
    return err_set(err, ERR_MALFORMED, "cols: there is no column \"%.*s\"; there are %s%s",
                   (int)strnlen(text, strcspn(text, ",") > 60 ? 60 : strcspn(text, ",")), text,
                   buf_text(&names), names.failed ? ", …" : "");
}

/* The columns that ?cols= names, in its order. */
static int choose_named(const struct representation_columns *all, const char *cols,
                        struct representation_columns *chosen, struct err *err)
{
    OWN(buf) struct buf full;

    buf_init(&full, REPRESENTATION_BYTES);
    for (const char *at = cols;; at++) {
        size_t best = 0;
        size_t longest = 0;
        for (size_t i = 0; i < all->n; i++) {
            size_t len = named(&all->items[i], at, &full);
            best = len > longest ? i : best;
            longest = len > longest ? len : longest;
        }
        TRY(buf_check(&full, err));
        if (longest == 0) {
            return no_such_column(all, at, err);
        }
        representation_columns_add(chosen, &all->items[best]);
        at += longest;
        if (*at == '\0') {
            return 0;
        }
    }
}

static int choose(const struct representation *representation, enum format format,
                  const struct representation_query *query, const struct live_study_view *study,
                  struct representation_columns *chosen, struct err *err)
{
    OWN(representation_columns) struct representation_columns all = {0};
    bool is_short = format == FORMAT_TABLE || (format == FORMAT_TEXT && !representation->is_one);

    for (const struct representation_column *column = representation->columns; column->key != NULL;
         column++) {
        representation_columns_add(&all, column);
    }
    if (representation->add_columns != NULL && study != NULL) {
        representation->add_columns(study, &all);
    }
    if (all.no_memory) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (query->cols != NULL) {
        TRY(choose_named(&all, query->cols, chosen, err));
    }
    for (size_t i = 0; i < all.n && query->cols == NULL; i++) {
        if (!is_short || !all.items[i].is_extra) {
            representation_columns_add(chosen, &all.items[i]);
        }
    }
    return chosen->no_memory ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* ---- values --------------------------------------------------------------------------------- */

static bool is_for_people(enum format format)
{
    return format == FORMAT_TABLE || format == FORMAT_TEXT;
}

static const json_t *value_at(const struct representation_column *column, const json_t *row,
                              enum format format)
{
    const json_t *live = column->live == NULL || !is_for_people(format)
                             ? NULL
                             : json_object_get(json_object_get(row, column->live), column->key);
    const json_t *holder = column->object == NULL ? row : json_object_get(row, column->object);

    return live != NULL && !json_is_null(live) ? live : json_object_get(holder, column->key);
}

static void append_list(const json_t *list, struct buf *out)
{
    size_t i;
    json_t *item;

    json_array_foreach (json_unconst(list), i, item) {
        buf_puts(out, i > 0 ? "; " : "");
        json_append_text(out, item);
    }
}

/* The value as text; in a table rounded. */
static void append_value(const struct representation_column *column, const json_t *row,
                         enum format format, struct buf *out)
{
    const json_t *value = value_at(column, row, format);
    char number[TEXT_NUMBER_BYTES];

    if (column->append != NULL) {
        column->append(row, out);
        return;
    }
    if (value == NULL
        || (json_is_null(value) && (!column->is_parameter || column->null_is_nothing))) {
        return;
    }
    if (format == FORMAT_TABLE && json_is_real(value)) {
        buf_puts(out, text_number(json_real_value(value), DIGITS, number));
    } else if (json_is_array(value) && !column->is_parameter) {
        append_list(value, out);
    } else if (column->is_parameter && format != FORMAT_SH) {
        json_append_cell(out, value);
    } else {
        json_append_text(out, value);
    }
}

/* ---- a row in each format ------------------------------------------------------------------- */

/* HONE_PARAM_LR of a parameter, HONE_METRIC_LOSS of a metric, HONE_STATE of anything else. */
static void append_variable(const struct representation_column *column, struct buf *out)
{
    char name[PRINTABLE_NAME_CHARACTERS + 1];
    bool is_metric = column->object != NULL && strcmp(column->object, "metrics") == 0;

    buf_puts(out, column->is_parameter ? "HONE_PARAM_" : is_metric ? "HONE_METRIC_" : "HONE_");
    name_in_environment(column->variable != NULL ? column->variable : short_title(column), name);
    buf_puts(out, name);
}

static void add_assignments(struct representation_rows *rows, const json_t *row)
{
    OWN(buf) struct buf name;
    OWN(buf) struct buf value;

    buf_init(&name, 1024);
    buf_init(&value, REPRESENTATION_BYTES);
    for (size_t i = 0; i < rows->columns.n; i++) {
        const struct representation_column *column = &rows->columns.items[i];
        if (column->object != NULL && value_at(column, row, FORMAT_SH) == NULL) {
            continue; /* inactive, or never measured: absent, as in a job's environment */
        }
        buf_clear(&name);
        buf_clear(&value);
        append_variable(column, &name);
        append_value(column, row, FORMAT_SH, &value);
        buf_check_part(&rows->lines, &name);
        buf_check_part(&rows->lines, &value);
        shell_export(&rows->lines, buf_text(&name), buf_text(&value));
    }
}

static void add_overrides(struct representation_rows *rows, const json_t *row)
{
    if (rows->err.code == ERR_NONE
        && hydra_append(&rows->lines, json_object_get(row, "parameters"), &rows->err) == 0) {
        buf_putc(&rows->lines, '\n');
    }
}

static void add_cells(struct representation_rows *rows, const json_t *row)
{
    OWN(buf) struct buf cell;

    buf_init(&cell, REPRESENTATION_BYTES);
    for (size_t i = 0; i < rows->columns.n; i++) {
        buf_clear(&cell);
        append_value(&rows->columns.items[i], row, rows->format, &cell);
        buf_check_part(&rows->table.cells, &cell);
        table_text(&rows->table, buf_text(&cell));
    }
}

void representation_rows_add(struct representation_rows *rows, const json_t *row)
{
    rows->n++;
    if (rows->format == FORMAT_SH) {
        add_assignments(rows, row);
    } else if (rows->format == FORMAT_HYDRA) {
        add_overrides(rows, row);
    } else if (rows->format == FORMAT_NDJSON) {
        struct json_writer w;
        json_writer_init(&w, &rows->lines);
        json_write_value(&w, row);
        buf_putc(&rows->lines, '\n');
    } else {
        add_cells(rows, row);
    }
}

/* ---- all rows ------------------------------------------------------------------------------- */

static void begin_table(struct representation_rows *rows, const struct representation_query *query)
{
    static const struct table_format csv = {
        .style = TABLE_CSV, .text = TABLE_AS_IS, .quotes_space = true};
    static const struct table_format lines = {.style = TABLE_LINES, .text = TABLE_ESCAPED};
    struct table_format table = {.style = TABLE_ALIGNED,
                                 .text = TABLE_ESCAPED,
                                 .cell_max = CELL_COLUMNS,
                                 .line_max = (size_t)query->width,
                                 .ascii = true,
                                 .trims = true};
    OWN(buf) struct buf title;

    buf_init(&title, REPRESENTATION_BYTES);
    table_init(&rows->table,
               rows->format == FORMAT_CSV    ? &csv
               : rows->format == FORMAT_TEXT ? &lines
                                             : &table,
               REPRESENTATION_BYTES);
    for (size_t i = 0; i < rows->columns.n; i++) {
        const struct representation_column *column = &rows->columns.items[i];
        buf_clear(&title);
        if (rows->format == FORMAT_TABLE) {
            buf_puts(&title, short_title(column));
        } else {
            append_full_title(column, &title);
        }
        buf_check_part(&rows->table.cells, &title);
        table_column(&rows->table, buf_text(&title), column->is_right);
    }
}

int representation_rows_begin(struct representation_rows *rows,
                              const struct representation *representation, enum format format,
                              const struct representation_query *query,
                              const struct live_study_view *study, struct err *err)
{
    OWN(representation_columns) struct representation_columns columns = {0};

    TRY(choose(representation, format, query, study, &columns, err));
    *rows = (struct representation_rows){
        .representation = representation, .format = format, .columns = columns};
    columns = (struct representation_columns){0};
    buf_init(&rows->lines, REPRESENTATION_BYTES);
    begin_table(rows, query);
    return 0;
}

void representation_rows_finish(struct representation_rows *rows)
{
    representation_columns_finish(&rows->columns);
    table_finish(&rows->table);
    buf_finish(&rows->lines);
}

static void write_table(struct representation_rows *rows, struct buf *out)
{
    if (rows->format == FORMAT_TEXT && rows->representation->is_one) {
        table_write_fields(&rows->table, out);
    } else if (rows->has_begun) {
        table_write_rows(&rows->table, out);
    } else {
        table_write(&rows->table, out);
    }
    table_clear_rows(&rows->table);
}

int representation_rows_write(struct representation_rows *rows, struct buf *out, struct err *err)
{
    if (rows->err.code != ERR_NONE) {
        *err = rows->err;
        return -1;
    }
    if (rows->format == FORMAT_SH || rows->format == FORMAT_HYDRA
        || rows->format == FORMAT_NDJSON) {
        buf_append(out, buf_text(&rows->lines), rows->lines.len);
        out->failed = out->failed || rows->lines.failed;
        buf_check_part(out, &rows->lines);
        buf_clear(&rows->lines);
    } else {
        write_table(rows, out);
    }
    rows->has_begun = true;
    return 0;
}

static void add_row(void *context, const json_t *row)
{
    representation_rows_add(context, row);
}

static void draw(const struct representation *representation,
                 const struct representation_query *query, const json_t *answer, struct buf *out)
{
    OWN(buf) struct buf page;

    buf_init(&page, REPRESENTATION_BYTES);
    representation->draw(answer, query, &page);
    if (query->width > 0) {
        wrap_page(out, buf_text(&page), (size_t)query->width);
    } else {
        buf_append(out, buf_text(&page), page.len);
    }
    out->failed = out->failed || page.failed;
    buf_check_part(out, &page);
}

/* An answer that is nothing yet: a sentence for people, an empty variable for a shell, so that
 * [ -n "$HONE_TRIAL" ] tells. */
static void write_nothing(const struct representation_rows *rows, struct buf *out)
{
    OWN(buf) struct buf name;

    buf_init(&name, 1024);
    if (rows->format == FORMAT_SH) {
        append_variable(&rows->columns.items[0], &name);
        buf_check_part(out, &name);
        shell_export(out, buf_text(&name), "");
    } else if (rows->format == FORMAT_TEXT || rows->format == FORMAT_TABLE) {
        buf_printf(out, "%s\n", rows->representation->nothing);
    }
}

int representation_write(const struct representation *representation, enum format format,
                         const struct representation_query *query,
                         const struct live_study_view *study, json_t *answer, struct buf *out,
                         struct err *err)
{
    OWN(representation_rows) struct representation_rows rows = {0};

    if (format == FORMAT_TEXT && representation->draw != NULL) {
        draw(representation, query, answer, out);
        return 0;
    }
    TRY(representation_rows_begin(&rows, representation, format, query, study, err));
    if (representation->each_row != NULL) {
        TRY(representation->each_row(answer, add_row, &rows, err));
    } else {
        representation_rows_add(&rows, answer);
    }
    TRY(representation_rows_write(&rows, out, err));
    if (rows.n == 0 && representation->nothing != NULL) {
        write_nothing(&rows, out);
    }
    if (format == FORMAT_TABLE && representation->foot != NULL) {
        representation->foot(answer, out);
    }
    return 0;
}
