#include "common/names.h"

#include <stdint.h>
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

bool name_is_printable(const char *text)
{
    size_t n = 0;
    bool ends_blank = false;

    if (text == NULL) {
        return false;
    }
    for (const char *at = text; *at != '\0'; n++) {
        uint32_t point = 0;
        size_t bytes = utf8_decode(at, strnlen(at, 4), &point);
        if (bytes == 0 || utf8_is_unseen(point) || (n == 0 && utf8_is_blank(point))) {
            return false;
        }
        ends_blank = utf8_is_blank(point);
        at += bytes;
    }
    return n > 0 && n <= PRINTABLE_NAME_CHARACTERS && !ends_blank;
}

bool name_is_parameter(const char *text)
{
    return name_is_printable(text);
}

bool name_is_label(const char *text)
{
    return spells(text, LOWER UPPER "_", LOWER UPPER DIGITS "_.-/", 64);
}

bool name_is_metric(const char *text)
{
    return name_is_printable(text);
}

bool name_is_resource(const char *text)
{
    return spells(text, LOWER UPPER "_", LOWER UPPER DIGITS "_.-", 64);
}

bool name_is_worker(const char *text)
{
    return spells(text, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._:@-", WORKER_NAME_BYTES - 1);
}

void name_in_environment(const char *name, char out[PRINTABLE_NAME_CHARACTERS + 1])
{
    size_t n = 0;

    for (; *name != '\0' && n < PRINTABLE_NAME_CHARACTERS; name++) {
        char c = *name;
        bool continues = ((unsigned char)c & 0xc0) == 0x80; /* a character counts once */
        bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!continues) {
            out[n++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : plain ? c : '_';
        }
    }
    out[n] = '\0';
}
