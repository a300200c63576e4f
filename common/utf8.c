#include "common/utf8.h"

#include <string.h>

size_t utf8_decode(const char *text, size_t len, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char first = len == 0 ? 0xff : bytes[0];
    size_t n = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    if ((first >= 0x80 && first < 0xc0) || first >= 0xf8 || n > len) {
        return 0;
    }
    uint32_t c = n == 1 ? first : first & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((bytes[i] & 0xc0U) != 0x80) {
            return 0;
        }
        c = c << 6 | (bytes[i] & 0x3fU);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        return 0;
    }
    *point = c;
    return n;
}

bool utf8_is_unseen(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c
           || (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e)
           || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

bool utf8_is_blank(uint32_t point)
{
    return point == ' ' || point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a)
           || point == 0x202f || point == 0x205f || point == 0x3000;
}

/* The bytes at `text` that begin a character whose end is missing; 0: none do. */
static size_t cut_bytes(const char *text, size_t len)
{
    unsigned char first = (unsigned char)text[0];
    size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    size_t n = 1;

    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    while (n < len && n < whole && ((unsigned char)text[n] & 0xc0U) == 0x80) {
        n++;
    }
    return n < whole ? n : 0;
}

void utf8_mend(char *text)
{
    size_t len = strlen(text);
    size_t kept = 0;

    for (size_t i = 0; i < len;) {
        uint32_t point;
        size_t n = utf8_decode(text + i, len - i, &point);
        size_t cut = n > 0 ? 0 : cut_bytes(text + i, len - i);
        if (n == 0 && cut == 0) {
            text[kept++] = '?';
            n = 1;
        } else {
            memmove(text + kept, text + i, n);
            kept += n;
        }
        i += n + cut;
    }
    text[kept] = '\0';
}

size_t utf8_clean(char *text, size_t len)
{
    size_t kept = 0;

    for (size_t i = 0; i < len;) {
        uint32_t point = 0;
        size_t n = utf8_decode(text + i, len - i, &point);
        if (n == 0) {
            text[kept++] = '?';
            n = 1;
        } else if (point == '\t' || point == '\n' || point == '\r') {
            text[kept++] = ' ';
        } else if (!utf8_is_unseen(point)) {
            memmove(text + kept, text + i, n);
            kept += n;
        }
        i += n;
    }
    return kept;
}
