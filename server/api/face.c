#include "server/api/face.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/json.h"

static const struct {
    const char *name;
    const char *type;    /* as we send it */
    const char *accepts; /* as an Accept names it */
} faces[FACE_COUNT] = {
    [FACE_JSON] = {"json", "application/json", "application/json"},
    [FACE_NDJSON] = {"ndjson", "application/x-ndjson", "application/x-ndjson"},
    [FACE_CSV] = {"csv", "text/csv; charset=utf-8", "text/csv"},
    [FACE_TEXT] = {"text", "text/plain; charset=utf-8", "text/plain"},
    [FACE_TABLE] = {"table", "text/plain; charset=utf-8", NULL},
    [FACE_SH] = {"sh", "application/x-sh", "application/x-sh"},
};

const char *face_name(enum face face)
{
    return faces[face].name;
}

const char *face_content_type(enum face face)
{
    return faces[face].type;
}

static int named(const char *name, unsigned offered, enum face *face, struct err *err)
{
    char list[80] = "";

    for (int i = 0; i < FACE_COUNT; i++) {
        if ((offered & FACE_BIT(i)) != 0) {
            if (strcmp(faces[i].name, name) == 0) {
                *face = (enum face)i;
                return 0;
            }
            size_t len = strlen(list);
            (void)snprintf(list + len, sizeof list - len, "%s%s", len > 0 ? ", " : "",
                           faces[i].name);
        }
    }
    return err_set(err, ERR_MALFORMED, "format \"%.20s\" is not offered here; choose from %s", name,
                   list);
}

/* The weight of "type;q=0.5" and the length of its name. */
static double weight(const char *range, size_t len, size_t *name_len)
{
    const char *q = NULL;

    *name_len = strcspn(range, "; \t");
    if (*name_len > len) {
        *name_len = len;
    }
    for (size_t i = *name_len; i + 2 < len; i++) {
        if (range[i] == ';' || range[i] == ' ') {
            q = strncasecmp(range + i + 1, "q=", 2) == 0 ? range + i + 3 : q;
        }
    }
    return q == NULL ? 1 : strtod(q, NULL);
}

static void accepted(const char *accept, unsigned offered, enum face *face)
{
    double best = 0;

    while (*accept != '\0') {
        accept += strspn(accept, " \t,");
        size_t len = strcspn(accept, ",");
        size_t name_len;
        double q = weight(accept, len, &name_len);
        for (int i = 0; i < FACE_COUNT; i++) {
            const char *type = faces[i].accepts;
            if (type != NULL && (offered & FACE_BIT(i)) != 0 && q > best && strlen(type) == name_len
                && strncasecmp(type, accept, name_len) == 0) {
                best = q;
                *face = (enum face)i;
            }
        }
        accept += len;
    }
}

int face_choose(const struct http_request *request, unsigned offered, enum face *face,
                struct err *err)
{
    const char *format = http_query(request, "format");
    const char *accept = http_header(request, "Accept");

    if (format != NULL) {
        return named(format, offered, face, err);
    }
    *face = (offered & FACE_BIT(FACE_JSON)) != 0 ? FACE_JSON : FACE_TEXT;
    if (accept != NULL && strlen(accept) < 1024) {
        accepted(accept, offered, face);
    }
    return 0;
}

/* ---- sheets ---- */

#define SHEET_MAX ((size_t)16 << 20)

void sheet_init(struct sheet *sheet, enum face face)
{
    *sheet = (struct sheet){.face = face};
    buf_init(&sheet->cells, SHEET_MAX);
}

void sheet_finish(struct sheet *sheet)
{
    buf_finish(&sheet->cells);
}

void sheet_text(struct sheet *sheet, const char *text)
{
    buf_puts(&sheet->cells, text == NULL ? "" : text);
    buf_putc(&sheet->cells, '\0');
    sheet->n_cells++;
}

void sheet_column(struct sheet *sheet, const char *name)
{
    sheet_text(sheet, name);
    sheet->n_columns++;
}

void sheet_int(struct sheet *sheet, int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    sheet_text(sheet, text);
}

void sheet_number(struct sheet *sheet, double value)
{
    char text[JSON_NUMBER_BYTES];

    sheet_text(sheet, json_format_number(value, text));
}

void sheet_moment(struct sheet *sheet, int64_t wall_ms)
{
    char text[CLOCK_TEXT_BYTES];

    sheet_text(sheet, wall_ms <= 0 ? "" : clock_format(wall_ms, text));
}

static void write_csv_cell(const char *cell, struct buf *out)
{
    if (cell[strcspn(cell, ",\"\r\n")] == '\0') {
        buf_puts(out, cell);
        return;
    }
    buf_putc(out, '"');
    for (; *cell != '\0'; cell++) {
        if (*cell == '"') {
            buf_putc(out, '"');
        }
        buf_putc(out, *cell);
    }
    buf_putc(out, '"');
}

static void write_plain_cell(const char *cell, struct buf *out)
{
    for (; *cell != '\0'; cell++) {
        unsigned char c = (unsigned char)*cell;
        if (c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\x%02x", c);
        } else {
            buf_putc(out, (char)c);
        }
    }
}

/* Characters, not bytes, of UTF-8; a control character takes four. */
static size_t width_of(const char *cell)
{
    size_t width = 0;

    for (; *cell != '\0'; cell++) {
        unsigned char c = (unsigned char)*cell;
        width += c < 0x20 || c == 0x7f ? 4 : (c & 0xc0) != 0x80 ? 1 : 0;
    }
    return width;
}

#define WIDTH_MAX 60
#define COLUMNS_ALIGNED 512

struct layout {
    size_t widths[COLUMNS_ALIGNED];
};

static void measure(const struct sheet *sheet, struct layout *layout)
{
    const char *cell = sheet->cells.data;

    memset(layout, 0, sizeof *layout);
    for (size_t i = 0; i < sheet->n_cells; i++, cell += strlen(cell) + 1) {
        size_t column = i % sheet->n_columns;
        size_t width = width_of(cell);
        if (column < COLUMNS_ALIGNED && width <= WIDTH_MAX && width > layout->widths[column]) {
            layout->widths[column] = width;
        }
    }
}

static void write_cell(const struct sheet *sheet, const struct layout *layout, const char *cell,
                       size_t column, struct buf *out)
{
    bool last = column + 1 == sheet->n_columns;

    if (sheet->face == FACE_CSV) {
        write_csv_cell(cell, out);
        buf_putc(out, last ? '\n' : ',');
        return;
    }
    write_plain_cell(cell, out);
    if (last || sheet->face == FACE_TEXT) {
        buf_putc(out, last ? '\n' : '\t');
        return;
    }
    size_t wanted = column < COLUMNS_ALIGNED ? layout->widths[column] : 0;
    for (size_t width = width_of(cell); width < wanted; width++) {
        buf_putc(out, ' ');
    }
    buf_puts(out, "  ");
}

static void write_from(const struct sheet *sheet, size_t first, struct buf *out)
{
    struct layout layout;
    const char *cell = sheet->cells.data;

    if (sheet->cells.failed || cell == NULL) {
        out->failed = out->failed || sheet->cells.failed;
        return;
    }
    measure(sheet, &layout);
    for (size_t i = 0; i < sheet->n_cells; i++, cell += strlen(cell) + 1) {
        if (i >= first) {
            write_cell(sheet, &layout, cell, i % sheet->n_columns, out);
        }
    }
}

void sheet_write_rows(const struct sheet *sheet, struct buf *out)
{
    write_from(sheet, sheet->n_columns, out);
}

void sheet_write(const struct sheet *sheet, struct buf *out)
{
    write_from(sheet, sheet->face == FACE_TEXT ? sheet->n_columns : 0, out);
}
