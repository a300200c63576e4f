#include "worker/cli/define/scalar.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/own.h"

static const char *after_digits(const char *text)
{
    while (isdigit((unsigned char)*text)) {
        text++;
    }
    return text;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool spells_real(const char *text)
{
    const char *at = text + (*text == '-' || *text == '+');
    const char *whole = after_digits(at);
    const char *end = *whole == '.' ? after_digits(whole + 1) : whole;

    if (whole == at && end <= whole + 1) {
        return false;
    }
    if (*end == 'e' || *end == 'E') {
        const char *exponent = end + 1 + (end[1] == '-' || end[1] == '+');
        end = after_digits(exponent);
        if (end == exponent) {
            return false;
        }
    }
    return *end == '\0';
}

static bool spells_integer(const char *text)
{
    const char *at = text + (*text == '-' || *text == '+');

    return *at != '\0' && *after_digits(at) == '\0';
}

/* NULL: beyond 64 bits. */
static json_t *integer(const char *digits, int base)
{
    errno = 0;
    long long value = strtoll(digits, NULL, base);
    return errno == 0 ? json_integer(value) : NULL;
}

/* A number too large for its type, without what JSON does not allow at its front. */
static json_t *big_number(const char *text)
{
    OWN(memory) char *plain = strdup(text);
    bool negative = *text == '-';
    const char *digits = text + (negative || *text == '+');

    while (*digits == '0' && isdigit((unsigned char)digits[1])) {
        digits++;
    }
    if (plain == NULL) {
        return NULL;
    }
    (void)snprintf(plain, strlen(text) + 1, "%s%s", negative ? "-" : "", digits);
    return json_number_from_text(plain);
}

json_t *scalar_number(const char *text)
{
    if (spells_integer(text)) {
        json_t *number = integer(text, 10);
        return number != NULL ? number : big_number(text);
    }
    if (!spells_real(text)) {
        return NULL;
    }
    double real = strtod(text, NULL);
    return isfinite(real) ? json_real(real) : big_number(text);
}

static bool is_one_of(const char *text, const char *const words[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}
#define IS_ONE_OF(text, ...)                                                                       \
    is_one_of(text, (const char *const[]){__VA_ARGS__},                                            \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

json_t *scalar_value(const char *text)
{
    const char *digits = text[0] == '\0' || text[1] == '\0' ? "" : text + 2;
    json_t *number = NULL;

    if (IS_ONE_OF(text, "", "~", "null", "Null", "NULL")) {
        return json_null();
    }
    if (IS_ONE_OF(text, "true", "True", "TRUE")) {
        return json_true();
    }
    if (IS_ONE_OF(text, "false", "False", "FALSE")) {
        return json_false();
    }
    if (IS_ONE_OF(text, ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF")) {
        return json_string("Infinity");
    }
    if (IS_ONE_OF(text, "-.inf", "-.Inf", "-.INF")) {
        return json_string("-Infinity");
    }
    if (IS_ONE_OF(text, ".nan", ".NaN", ".NAN")) {
        return json_string("NaN");
    }
    if (strncmp(text, "0x", 2) == 0 && *digits != '\0'
        && strspn(digits, "0123456789abcdefABCDEF") == strlen(digits)) {
        number = integer(digits, 16);
    } else if (strncmp(text, "0o", 2) == 0 && *digits != '\0'
               && strspn(digits, "01234567") == strlen(digits)) {
        number = integer(digits, 8);
    } else {
        number = scalar_number(text);
    }
    return number != NULL ? number : json_string(text);
}
