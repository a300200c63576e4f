#include "worker/report/find.h"

#include <ctype.h>
#include <string.h>

#include "common/utf8.h"
#include "worker/report/escape.h"
#include "worker/report/prefix.h"

/* The character that ends before `at`; its bytes, 0: there is none. Bytes that are no UTF-8 count
 * as a sign. */
static size_t char_before(const char *line, size_t at, uint32_t *point)
{
    *point = '?';
    for (size_t n = 1; n <= 4 && n <= at; n++) {
        uint32_t decoded;
        if (utf8_decode(line + at - n, n, &decoded) == n) {
            *point = decoded;
            return n;
        }
    }
    return at > 0 ? 1 : 0;
}

/* Letters of all languages. Bars are drawn with signs of U+2000 to U+2BFF. */
static bool is_letter(uint32_t point)
{
    if (point < 0x80) {
        return isalpha((int)point) || point == '_';
    }
    return !utf8_is_blank(point) && !utf8_is_unseen(point) && point >= 0xaa
           && !(point >= 0x2000 && point < 0x2c00) && !(point >= 0x3000 && point < 0x3020)
           && !(point >= 0xe000 && point < 0xf900) && point < 0x1f000;
}

/* Signs that join the words of a path, an address or a variable. */
static bool joins_words(uint32_t point)
{
    return point == '-' || point == '/' || point == '@' || point == '\\' || point == '~'
           || point == '$' || point == '&' || point == '+';
}

/* Does the prefix at `at` begin a word of its own? "50%|## | 1/2hone:" is a bar that was printed
 * without a line's end. */
static bool begins_word(const char *line, size_t at, bool is_cut, bool *is_glued)
{
    size_t i = at;
    uint32_t point = 0;
    size_t n;

    if (at > 0 && line[at - 1] == ESCAPE_EDGE) {
        *is_glued = at > 1 && isdigit((unsigned char)line[at - 2]);
        return true;
    }
    while ((n = char_before(line, i, &point)) > 0 && point < 0x80 && isdigit((int)point)) {
        i -= n;
    }
    *is_glued = i < at;
    if (n == 0) {
        return !is_cut;
    }
    if (is_letter(point)) {
        return false;
    }
    if (point == '.' && i == at) { /* dots of progress, or "www.hone:" */
        n = char_before(line, at - 1, &point);
        return n == 0 ? !is_cut : point == '.' || (!is_letter(point) && !isdigit((int)point));
    }
    return *is_glued || !joins_words(point);
}

bool find_prefix(const char *line, size_t len, size_t from, bool is_cut, struct found *found)
{
    size_t prefix = sizeof REPORT_PREFIX - 1;

    while (from + prefix <= len) {
        const char *at = memmem(line + from, len - from, REPORT_PREFIX, prefix);
        if (at == NULL) {
            return false;
        }
        found->begin = (size_t)(at - line);
        found->end = found->begin + prefix;
        if (begins_word(line, found->begin, is_cut, &found->is_glued)) {
            return true;
        }
        from = found->end;
    }
    return false;
}
