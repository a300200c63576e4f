#include "common/json_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

#define MARK "\\u0000"    /* as it is written in JSON */
#define INTEGER_DIGITS 19 /* of 2^63 - 1 */

static const char *after_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

/* Behind ".5" or "e-7" at `at`, or `at` itself when it is neither; `lead` counts the bytes before
 * the digits. */
static const char *after_part(const char *at, const char *end, size_t lead)
{
    if ((size_t)(end - at) <= lead) {
        return at;
    }
    const char *digits = after_digits(at + lead, end);
    return digits > at + lead ? digits : at;
}

size_t json_number_length(const char *text, size_t len)
{
    const char *end = text + len;
    const char *first = text + (len > 0 && *text == '-' ? 1 : 0);
    const char *at = after_digits(first, end);

    if (at == first || (*first == '0' && at > first + 1)) {
        return 0;
    }
    if (at < end && *at == '.') {
        at = after_part(at, end, 1);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        bool has_sign = at + 1 < end && (at[1] == '+' || at[1] == '-');
        at = after_part(at, end, has_sign ? 2 : 1);
    }
    return (size_t)(at - text);
}

static bool is_big_integer(const char *digits, size_t n, bool negative)
{
    const char *most = negative ? "9223372036854775808" : "9223372036854775807";

    return n > INTEGER_DIGITS || (n == INTEGER_DIGITS && memcmp(digits, most, n) > 0);
}

/* Without memory it is taken for a plain number, and the parser says what is wrong. */
static bool is_big_real(const char *text, size_t len)
{
    OWN(memory) char *copy = malloc(len + 1);

    if (copy == NULL) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    return isinf(strtod(copy, NULL));
}

bool json_number_is_big(const char *text, size_t len)
{
    bool negative = len > 0 && *text == '-';
    const char *digits = text + (negative ? 1 : 0);
    const char *end = text + len;
    const char *after = after_digits(digits, end);

    if (after == end) {
        return is_big_integer(digits, (size_t)(end - digits), negative);
    }
    /* without an exponent of three digits it takes 309 of them to be too large */
    const char *exponent = memchr(after, 'e', (size_t)(end - after));
    exponent = exponent != NULL ? exponent : memchr(after, 'E', (size_t)(end - after));
    return ((exponent != NULL && end - exponent > 3) || len > 300) && is_big_real(text, len);
}

/* Behind the string that begins at `at`, or `end`. */
static const char *after_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\' ? 1 : 0;
    }
    return at < end ? at + 1 : end;
}

void json_keep_big_numbers(struct buf *out, const char *text, size_t len)
{
    const char *end = text + len;

    for (const char *at = text; at < end;) {
        size_t n = *at == '"' ? (size_t)(after_string(at, end) - at)
                              : json_number_length(at, (size_t)(end - at));
        if (n == 0) {
            buf_putc(out, *at++);
            continue;
        }
        bool is_big = *at != '"' && json_number_is_big(at, n);
        buf_puts(out, is_big ? "\"" MARK : "");
        buf_append(out, at, n);
        buf_puts(out, is_big ? "\"" : "");
        at += n;
    }
}

static json_t *big_number(const char *text, size_t len)
{
    OWN(memory) char *kept = calloc(len + 2, 1);

    if (kept == NULL) {
        return NULL;
    }
    memcpy(kept + 1, text, len); /* behind a NUL */
    return json_stringn(kept, len + 1);
}

json_t *json_number_from_text(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || json_number_length(text, len) != len) {
        return NULL;
    }
    if (json_number_is_big(text, len)) {
        return big_number(text, len);
    }
    return text[strspn(text, "-0123456789")] == '\0' ? json_integer(strtoll(text, NULL, 10))
                                                     : json_real(strtod(text, NULL));
}

const char *json_big_number(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (text == NULL || len < 2 || text[0] != '\0' || strlen(text + 1) != len - 1) {
        return NULL;
    }
    return json_number_length(text + 1, len - 1) == len - 1 && json_number_is_big(text + 1, len - 1)
               ? text + 1
               : NULL;
}
