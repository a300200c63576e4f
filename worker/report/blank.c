#include "worker/report/blank.h"

#include "common/utf8.h"

size_t blank_at(const char *text, size_t len)
{
    uint32_t point = 0;
    size_t n = utf8_decode(text, len, &point);

    if (n == 1) {
        return point == ' ' || (point >= '\t' && point <= '\r') ? 1 : 0;
    }
    return n > 0 && (utf8_is_blank(point) || utf8_is_unseen(point)) ? n : 0;
}

size_t blanks_at(const char *text, size_t len)
{
    size_t all = 0;
    size_t n;

    while (all < len && (n = blank_at(text + all, len - all)) > 0) {
        all += n;
    }
    return all;
}

/* The bytes of the blank or NUL at the end. */
static size_t blank_before(const char *text, size_t len)
{
    for (size_t n = 1; n <= 3 && n <= len; n++) {
        if (blank_at(text + len - n, n) == n) {
            return n;
        }
    }
    return len > 0 && text[len - 1] == '\0' ? 1 : 0;
}

void blank_trim(const char **text, size_t *len)
{
    size_t n;

    while (*len > 0 && ((n = blank_at(*text, *len)) > 0 || **text == '\0')) {
        n = n > 0 ? n : 1;
        *text += n;
        *len -= n;
    }
    while ((n = blank_before(*text, *len)) > 0) {
        *len -= n;
    }
}
