#include "server/mcp/text.h"

#include <string.h>

#include "common/utf8.h"

#define MARK "| "
#define MARK_BYTES 2
#define CUT "…"

/* Invisible, but for the characters of utf8_is_unseen(): soft hyphen, fillers, shorthand and
 * musical format controls, annotations, tags and variation selectors. */
static bool is_hidden(uint32_t point)
{
    return point == 0xad || point == 0x34f || point == 0x115f || point == 0x1160 || point == 0x3164
           || point == 0xffa0 || (point >= 0x17b4 && point <= 0x17b5)
           || (point >= 0x180b && point <= 0x180f) || (point >= 0xfe00 && point <= 0xfe0f)
           || (point >= 0xfff0 && point <= 0xfffb) || (point >= 0x1bca0 && point <= 0x1bca3)
           || (point >= 0x1d173 && point <= 0x1d17a) || (point >= 0xe0000 && point <= 0xe0fff);
}

/* Appends one line, cleaned, which never makes it longer: at most `bytes` of it, with a sign where
 * it is cut. */
static void add_clean(struct buf *out, const char *line, size_t len, size_t bytes)
{
    size_t begin = out->len;
    size_t room = len <= bytes ? bytes : bytes < sizeof CUT ? 0 : bytes - (sizeof CUT - 1);

    for (size_t i = 0; i < len;) {
        uint32_t point = '?';
        size_t n = utf8_decode(line + i, len - i, &point);
        bool is_tab = n == 1 && line[i] == '\t';
        if (n > 0 && !is_tab && (utf8_is_unseen(point) || is_hidden(point))) {
            i += n;
            continue;
        }
        if (out->len - begin + (n == 0 ? 1 : n) > room) {
            buf_puts(out, CUT);
            return;
        }
        buf_append(out, n == 0 ? "?" : is_tab ? " " : line + i, n == 0 ? 1 : n);
        i += n == 0 ? 1 : n;
    }
}

/* The end of the line that begins at `at`: where its line feed is, or the text ends. */
static size_t end_of_line(const char *text, size_t len, size_t at)
{
    const char *feed = memchr(text + at, '\n', len - at);

    return feed == NULL ? len : (size_t)(feed - text);
}

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 0;

    for (size_t at = 0; at < len; at = end_of_line(text, len, at) + 1) {
        n++;
    }
    return n;
}

/* How many lines at the beginning are to be left out, so that the rest surely fits: cleaning never
 * makes a line longer. */
static size_t lines_to_skip(const char *text, size_t len, size_t bytes)
{
    size_t n = count_lines(text, len);
    size_t used = 0;
    size_t kept = 0;

    for (size_t end = len; end > 0 && kept < n;) {
        size_t last = end - (text[end - 1] == '\n' ? 1 : 0);
        size_t begin = last;
        while (begin > 0 && text[begin - 1] != '\n') {
            begin--;
        }
        size_t needed = MARK_BYTES + (last - begin) + 1;
        if (used + needed > bytes) {
            return kept == 0 ? n - 1 : n - kept;
        }
        used += needed;
        kept++;
        end = begin;
    }
    return 0;
}

size_t text_add_data(struct buf *out, const char *text, size_t len, size_t bytes, enum text_end end)
{
    size_t begin = out->len;
    size_t skip = end == TEXT_KEEPS_END ? lines_to_skip(text, len, bytes) : 0;
    size_t left_out = skip;
    bool is_full = false;

    for (size_t at = 0; at < len;) {
        size_t stop = end_of_line(text, len, at);
        size_t needed = MARK_BYTES + (stop - at) + 1;
        size_t used = out->len - begin;
        if (skip > 0) {
            skip--;
        } else if (is_full || (used + needed > bytes && used > 0)) {
            is_full = true;
            left_out++;
        } else {
            buf_puts(out, MARK);
            add_clean(out, text + at, stop - at,
                      bytes > used + MARK_BYTES + 1 ? bytes - used - MARK_BYTES - 1 : 0);
            buf_putc(out, '\n');
        }
        at = stop + 1;
    }
    return left_out;
}

void text_skip(const char **text, size_t *len, size_t n, enum text_end end)
{
    for (; n > 0 && *len > 0; n--) {
        size_t line = end_of_line(*text, *len, 0);
        if (end == TEXT_KEEPS_END) {
            size_t last = *len - ((*text)[*len - 1] == '\n' ? 1 : 0);
            while (last > 0 && (*text)[last - 1] != '\n') {
                last--;
            }
            *len = last;
        } else {
            line += line < *len ? 1 : 0;
            *text += line;
            *len -= line;
        }
    }
}

void text_add_sentence(struct buf *out, const char *text, size_t bytes)
{
    size_t len = strlen(text);
    size_t begin = out->len;

    for (size_t at = 0; at < len; at = end_of_line(text, len, at) + 1) {
        size_t stop = end_of_line(text, len, at);
        size_t used = out->len - begin;
        if (used + 2 < bytes) {
            if (used > 0) {
                buf_putc(out, ' ');
            }
            add_clean(out, text + at, stop - at, bytes - used - 2);
        }
    }
    buf_putc(out, '\n');
}
