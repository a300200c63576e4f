#include "common/cell.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

void cell_append_clean_n(struct buf *out, const char *text, size_t len)
{
    size_t before = out->len;

    buf_append(out, text, len);
    if (!out->failed && len > 0) {
        out->len = before + utf8_clean(out->data + before, len);
        out->data[out->len] = '\0';
    }
}

void cell_append_clean(struct buf *out, const char *text)
{
    cell_append_clean_n(out, text, strlen(text));
}

void cell_append_escape(struct buf *out, const char *bytes, size_t n, uint32_t point)
{
    if (n > 1) {
        buf_printf(out, "\\u%04x", (unsigned)point);
    } else {
        buf_printf(out, "\\x%02x", (unsigned)(unsigned char)bytes[0]);
    }
}

void cell_append_escaped(struct buf *out, const char *text)
{
    while (*text != '\0') {
        uint32_t point = (unsigned char)*text;
        size_t n = utf8_decode(text, strnlen(text, 4), &point);
        if (n == 0 || utf8_is_unseen(point)) {
            cell_append_escape(out, text, n, point);
        } else {
            buf_append(out, text, n);
        }
        text += n == 0 ? 1 : n;
    }
}

void cell_append_csv(struct buf *out, const char *text, bool quote_space)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0' && !(quote_space && *text == ' ')) {
        buf_puts(out, text);
        return;
    }
    buf_putc(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            buf_putc(out, '"');
        }
        buf_putc(out, *text);
    }
    buf_putc(out, '"');
}

/* wcwidth() needs a UTF-8 locale for these, which a batch job rarely has. */
static size_t point_columns(uint32_t c)
{
    static const uint32_t wide[][2] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff}, {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                                       {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};

    if ((c >= 0x300 && c <= 0x36f) || (c >= 0xfe00 && c <= 0xfe0f)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (c >= wide[i][0] && c <= wide[i][1]) {
            return 2;
        }
    }
    return 1;
}

/* The bytes and columns of the character at `text`; a byte that is no UTF-8 counts as one. */
static size_t step(const char *text, size_t *columns)
{
    uint32_t c = 0;
    size_t n = utf8_decode(text, strnlen(text, 4), &c);

    *columns = n == 0 ? 1 : point_columns(c);
    return n == 0 ? 1 : n;
}

size_t cell_columns(const char *text)
{
    size_t total = 0;
    size_t columns;

    for (; *text != '\0'; total += columns) {
        text += step(text, &columns);
    }
    return total;
}

static void fill(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_putc(out, ' ');
    }
}

static void append_fitted(struct buf *out, const char *text, size_t width, bool right,
                          const char *mark)
{
    size_t marked = cell_columns(mark);
    size_t whole = cell_columns(text);
    size_t used = 0;

    if (whole <= width) {
        fill(out, right ? width - whole : 0);
        buf_puts(out, text);
        fill(out, right ? 0 : width - whole);
        return;
    }
    for (size_t n, columns = 0; width >= marked; text += n) {
        n = step(text, &columns);
        if (used + columns > width - marked) {
            break;
        }
        buf_append(out, text, n);
        used += columns;
    }
    buf_puts(out, width >= marked ? mark : "");
    fill(out, width >= used + marked ? width - used - marked : 0);
}

void cell_append_fitted(struct buf *out, const char *text, size_t width, bool right)
{
    append_fitted(out, text, width, right, "…");
}

void cell_append_fitted_ascii(struct buf *out, const char *text, size_t width)
{
    append_fitted(out, text, width, false, "...");
}
