#include "common/screen_text.h"

#include <string.h>

#include "common/cell.h"
#include "common/utf8.h"

/* Appends the character that begins there; returns its bytes. */
static size_t put_one(struct screen_text *text, const char *bytes, size_t len, struct buf *out)
{
    uint32_t point = 0;
    size_t n = utf8_decode(bytes, len, &point);
    bool after_return = text->after_return;

    text->after_return = n == 1 && point == '\r';
    if (n == 1 && point == '\n' && after_return) {
        return 1;
    }
    if (text->after_return) {
        buf_putc(out, '\n');
    } else if (n > 0 && (point == '\n' || point == '\t' || !utf8_is_unseen(point))) {
        buf_append(out, bytes, n);
    } else {
        cell_append_escape(out, bytes, n, point);
    }
    return n == 0 ? 1 : n;
}

/* Could more bytes make a character of these? */
static bool is_begun(const char *bytes, size_t len)
{
    unsigned char first = (unsigned char)bytes[0];
    size_t needed = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;

    if (len >= needed || first >= 0xf8) {
        return false;
    }
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)bytes[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    return true;
}

/* Ends the character that the last piece began; returns the bytes of this piece it took. */
static size_t end_cut(struct screen_text *text, const char *bytes, size_t len, struct buf *out)
{
    size_t taken = 0;

    while (text->n_cut > 0) {
        bool begun = is_begun(text->cut, text->n_cut);
        if (begun && taken < len) {
            text->cut[text->n_cut++] = bytes[taken++];
            continue;
        }
        if (begun) {
            break;
        }
        size_t n = put_one(text, text->cut, text->n_cut, out);
        text->n_cut -= n;
        memmove(text->cut, text->cut + n, text->n_cut);
    }
    return taken;
}

void screen_text_append(struct screen_text *text, const char *bytes, size_t len, struct buf *out)
{
    size_t i = end_cut(text, bytes, len, out);

    while (i < len) {
        if (len - i < sizeof text->cut && is_begun(bytes + i, len - i)) {
            memcpy(text->cut, bytes + i, len - i);
            text->n_cut = len - i;
            return;
        }
        i += put_one(text, bytes + i, len - i, out);
    }
}

void screen_text_end(struct screen_text *text, struct buf *out)
{
    size_t i = 0;

    while (i < text->n_cut) {
        i += put_one(text, text->cut + i, text->n_cut - i, out);
    }
    text->n_cut = 0;
}
