#include "common/wrap.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/cell.h"
#include "common/utf8.h"

enum { NAME_BYTES = 4096, LINE_BYTES = 1 << 20, HANGING = 2 };

struct wrapping {
    struct buf *out;
    size_t width, indent;
    size_t used;   /* columns of the line */
    bool is_blank; /* the line has no word yet */
};

static void spaces(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_putc(out, ' ');
    }
}

static void begin_line(struct wrapping *w)
{
    buf_putc(w->out, '\n');
    spaces(w->out, w->indent);
    w->used = w->indent;
    w->is_blank = true;
}

/* Returns how many bytes the first character takes; *columns ← its columns. */
static size_t character(const char *text, size_t *columns)
{
    char one[8] = "";
    uint32_t point;
    size_t n = utf8_decode(text, strnlen(text, 4), &point);

    n = n == 0 ? 1 : n;
    memcpy(one, text, n);
    *columns = cell_columns(one);
    return n;
}

/* A word that is wider than a line, cut where the lines end. */
static void append_pieces(struct wrapping *w, const char *word, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t columns;
        size_t n = character(word + i, &columns);
        if (w->used + columns > w->width && w->used > w->indent) {
            begin_line(w);
        }
        buf_append(w->out, word + i, n);
        w->used += columns;
        i += n;
    }
    w->is_blank = false;
}

static size_t columns_of(const char *text, size_t len)
{
    size_t columns = 0;

    for (size_t i = 0; i < len;) {
        size_t one;
        i += character(text + i, &one);
        columns += one;
    }
    return columns;
}

/* `gap`: the spaces in front of it, which a line end takes the place of. */
static void append_word(struct wrapping *w, const char *word, size_t len, size_t gap)
{
    size_t columns = columns_of(word, len);

    if (!w->is_blank && w->used + gap + columns > w->width) {
        begin_line(w);
        gap = 0;
    }
    spaces(w->out, gap);
    w->used += gap;
    if (w->used + columns > w->width) {
        append_pieces(w, word, len);
        return;
    }
    buf_append(w->out, word, len);
    w->used += columns;
    w->is_blank = false;
}

static void append_line(struct wrapping *w, const char *line)
{
    while (*line != '\0') {
        size_t gap = strspn(line, " ");
        size_t len = strcspn(line + gap, " ");
        if (len > 0) {
            append_word(w, line + gap, len, gap);
        }
        line += gap + len;
    }
}

void wrap_append(struct buf *out, const char *text, size_t width, size_t indent)
{
    struct wrapping w = {.out = out,
                         .width = width == 0 ? SIZE_MAX / 2 : width,
                         .indent = width == 0 || indent < width / 2 ? indent : width / 2,
                         .is_blank = true};

    for (;;) {
        OWN(buf) struct buf line = {0};
        size_t len = strcspn(text, "\n");
        buf_init(&line, LINE_BYTES);
        cell_append_clean_n(&line, text, len);
        buf_check_part(out, &line);
        append_line(&w, buf_text(&line));
        buf_check_part(out, &line);
        text += len;
        if (*text == '\0') {
            break;
        }
        text++;
        begin_line(&w);
    }
    buf_putc(out, '\n');
}

void wrap_page(struct buf *out, const char *page, size_t width)
{
    OWN(buf) struct buf line = {0};

    buf_init(&line, LINE_BYTES);
    while (*page != '\0') {
        size_t len = strcspn(page, "\n");
        buf_clear(&line);
        buf_append(&line, page, len);
        buf_check_part(out, &line);
        wrap_append(out, buf_text(&line), width, strspn(buf_text(&line), " ") + HANGING);
        page += len + (page[len] == '\n' ? 1 : 0);
    }
}

void wrap_name(struct buf *out, const char *name, size_t width)
{
    OWN(buf) struct buf clean = {0};

    buf_init(&clean, NAME_BYTES);
    cell_append_clean(&clean, name);
    buf_check_part(out, &clean);
    const char *text = buf_text(&clean);
    size_t columns = cell_columns(text);
    if (columns <= width || width < 5 || columns != strlen(text)) {
        cell_append_fitted(out, text, width, false);
        return;
    }
    size_t tail = width / 2;
    buf_append(out, text, width - 1 - tail);
    buf_puts(out, "…");
    buf_puts(out, text + columns - tail);
}
