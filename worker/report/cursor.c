#include "worker/report/cursor.h"

#include <string.h>

static void put(struct quoted *quoted, const char *bytes, size_t n)
{
    if (quoted->len + n > METRIC_NAME_BYTES) {
        quoted->is_long = true;
    } else if (!quoted->is_long) {
        memcpy(quoted->text + quoted->len, bytes, n);
        quoted->len += n;
    }
}

static void put_point(struct quoted *quoted, uint32_t point)
{
    char bytes[4];

    if (point < 0x80) {
        bytes[0] = (char)point;
        put(quoted, bytes, 1);
    } else if (point < 0x800) {
        bytes[0] = (char)(0xc0U | point >> 6);
        bytes[1] = (char)(0x80U | (point & 0x3fU));
        put(quoted, bytes, 2);
    } else if (point < 0x10000) {
        bytes[0] = (char)(0xe0U | point >> 12);
        bytes[1] = (char)(0x80U | (point >> 6 & 0x3fU));
        bytes[2] = (char)(0x80U | (point & 0x3fU));
        put(quoted, bytes, 3);
    } else {
        bytes[0] = (char)(0xf0U | point >> 18);
        bytes[1] = (char)(0x80U | (point >> 12 & 0x3fU));
        bytes[2] = (char)(0x80U | (point >> 6 & 0x3fU));
        bytes[3] = (char)(0x80U | (point & 0x3fU));
        put(quoted, bytes, 4);
    }
}

/* The four hexadecimal digits of \uXXXX at `at`; -1: there are none. */
static int32_t hex_at(const struct cursor *c, size_t at)
{
    int32_t value = 0;

    for (size_t i = at; i < at + 4; i++) {
        char digit = i < c->len ? c->text[i] : '\0';
        const char *place = digit == '\0' ? NULL : strchr("0123456789abcdefABCDEF", digit);
        if (place == NULL) {
            return -1;
        }
        int32_t n = (int32_t)(place - "0123456789abcdefABCDEF");
        value = value * 16 + (n < 16 ? n : n - 6);
    }
    return value;
}

/* Reads \uXXXX or a pair of them behind the backslash at `at`; returns the bytes, 0: not readable.
 */
static size_t read_unicode(const struct cursor *c, size_t at, struct quoted *quoted)
{
    int32_t high = hex_at(c, at + 1);

    if (high < 0 || (high >= 0xdc00 && high < 0xe000)) {
        return 0;
    }
    if (high < 0xd800 || high >= 0xe000) {
        put_point(quoted, (uint32_t)high);
        return 5;
    }
    bool pair = at + 6 < c->len && c->text[at + 5] == '\\' && c->text[at + 6] == 'u';
    int32_t low = pair ? hex_at(c, at + 7) : -1;
    if (low < 0xdc00 || low >= 0xe000) {
        return 0;
    }
    put_point(quoted, 0x10000U + (((uint32_t)high - 0xd800U) << 10) + ((uint32_t)low - 0xdc00U));
    return 11;
}

/* Reads what stands behind a backslash; returns its bytes, 0: not readable. */
static size_t read_escape(const struct cursor *c, size_t at, struct quoted *quoted)
{
    static const char letters[] = "bfnrt";
    static const char meant[] = "\b\f\n\r\t";
    char c1 = at < c->len ? c->text[at] : '\0';
    const char *letter = c1 == '\0' ? NULL : strchr(letters, c1);

    if (c1 == 'u') {
        return read_unicode(c, at, quoted);
    }
    if (letter != NULL) {
        put(quoted, &meant[letter - letters], 1);
        return 1;
    }
    if (c1 == '"' || c1 == '\'' || c1 == '\\' || c1 == '/') {
        put(quoted, &c1, 1);
        return 1;
    }
    return 0;
}

bool cursor_read_quoted(struct cursor *c, struct quoted *quoted)
{
    char quote = cursor_char(c);
    size_t at = c->at + 1;

    quoted->len = 0;
    quoted->is_long = false;
    for (; at < c->len && c->text[at] != quote; at++) {
        if (c->text[at] != '\\') {
            put(quoted, &c->text[at], 1);
            continue;
        }
        size_t n = read_escape(c, at + 1, quoted);
        if (n == 0) {
            return false;
        }
        at += n;
    }
    if (at >= c->len) {
        return false;
    }
    quoted->text[quoted->len] = '\0';
    c->at = at + 1;
    return true;
}
