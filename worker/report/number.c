#include "worker/report/number.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER_TEXT_BYTES 1024

static size_t digits_at(const char *text, size_t len, size_t at)
{
    size_t n = 0;

    while (at + n < len && isdigit((unsigned char)text[at + n])) {
        n++;
    }
    return n;
}

static size_t sign_at(const char *text, size_t len, size_t at)
{
    return at < len && (text[at] == '+' || text[at] == '-') ? 1 : 0;
}

static size_t decimal_span(const char *text, size_t len)
{
    size_t at = sign_at(text, len, 0);
    size_t digits = digits_at(text, len, at);

    at += digits;
    if (at < len && text[at] == '.') {
        size_t fraction = digits_at(text, len, at + 1);
        digits += fraction;
        at += 1 + fraction;
    }
    if (digits == 0) {
        return 0;
    }
    if (at < len && (text[at] == 'e' || text[at] == 'E')) {
        size_t exponent = at + 1 + sign_at(text, len, at + 1);
        size_t n = digits_at(text, len, exponent);
        at = n > 0 ? exponent + n : at;
    }
    return at;
}

/* Longer spellings come before those that they begin with. */
static const struct {
    const char *text;
    bool is_nan;
    bool takes_zeros; /* "1.#INF00" */
} words[] = {
    {"nan(ind)", true, false},  {"nan(snan)", true, false}, {"nan", true, false},
    {"infinity", false, false}, {"inf", false, false},      {"\xe2\x88\x9e", false, false},
    {"1.#inf", false, true},    {"1.#ind", true, true},     {"1.#qnan", true, true},
    {"1.#snan", true, true},
};

static size_t word_span(const char *text, size_t len, double *value)
{
    size_t sign = sign_at(text, len, 0);

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = strlen(words[i].text);
        if (len - sign < n || strncasecmp(text + sign, words[i].text, n) != 0) {
            continue;
        }
        *value = words[i].is_nan  ? (double)NAN
                 : text[0] == '-' ? -(double)INFINITY
                                  : (double)INFINITY;
        n += sign;
        while (words[i].takes_zeros && n < len && text[n] == '0') {
            n++;
        }
        return n;
    }
    return 0;
}

size_t number_span(const char *text, size_t len, double *value)
{
    char copy[NUMBER_TEXT_BYTES];
    size_t n = word_span(text, len, value);

    if (n > 0) {
        return n;
    }
    n = decimal_span(text, len);
    if (n == 0 || n >= sizeof copy) {
        return 0;
    }
    memcpy(copy, text, n);
    copy[n] = '\0';
    *value = strtod(copy, NULL) + 0.0; /* -0 is 0 */
    return n;
}

bool number_read(const char *text, size_t len, double *value)
{
    return len > 0 && number_span(text, len, value) == len;
}
