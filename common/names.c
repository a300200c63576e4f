#include "common/names.h"

#include <string.h>

#include "common/utf8.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* One character of `first`, then up to `max` - 1 of `rest`. */
static bool spells(const char *text, const char *first, const char *rest, size_t max)
{
    if (text == NULL || text[0] == '\0' || strchr(first, text[0]) == NULL) {
        return false;
    }
    size_t len = 1 + strspn(text + 1, rest);
    return len <= max && text[len] == '\0';
}

bool name_is_study(const char *text)
{
    return spells(text, LOWER DIGITS, LOWER DIGITS "._-", 63);
}

bool name_is_parameter(const char *text)
{
    return spells(text, LOWER UPPER "_", LOWER UPPER DIGITS "_.-", 64);
}

bool name_is_label(const char *text)
{
    return spells(text, LOWER UPPER "_", LOWER UPPER DIGITS "_.-/", 64);
}

/* Printable characters, no blank first or last. */
static bool is_printable(const char *text, size_t len, size_t max)
{
    size_t n = 0;
    bool after_blank = true;

    for (size_t i = 0; i < len; n++) {
        uint32_t point = 0;
        size_t bytes = utf8_decode(text + i, len - i, &point);
        bool blank = utf8_is_blank(point);
        if (bytes == 0 || utf8_is_unseen(point) || n == max || (blank && i == 0)) {
            return false;
        }
        after_blank = blank;
        i += bytes;
    }
    return !after_blank;
}

bool name_is_metric(const char *text)
{
    return text != NULL && is_printable(text, strlen(text), NAME_CHARACTERS);
}

bool name_is_worker(const char *text)
{
    return spells(text, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._:@-", WORKER_NAME_BYTES - 1);
}

void name_in_environment(const char *name, char out[NAME_BYTES + 1])
{
    size_t n = 0;

    for (; name[n] != '\0' && n < NAME_BYTES; n++) {
        char c = name[n];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        out[n] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : plain ? c : '_';
    }
    out[n] = '\0';
}
