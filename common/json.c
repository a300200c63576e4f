#include "common/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_number.h"

const struct json_limits json_limits_default = {.bytes = 1 << 20, .depth = 32, .values = 50000};

/* Jansson takes a failed allocation in the middle of a text for a fault of the text, or even leaves
 * a character out and succeeds: 2.5 reads as 5. */
static _Thread_local size_t n_failures;

/* Where the lexer had no memory for a string's closing quote, it would read on behind the text and
 * write what it finds: after one failed allocation, all others of the same text fail as well. */
static _Thread_local bool is_parsing;
static _Thread_local bool parse_has_failed;

static void *allocate(size_t size)
{
    void *block = is_parsing && parse_has_failed ? NULL : malloc(size);

    n_failures += block == NULL;
    parse_has_failed = parse_has_failed || block == NULL;
    return block;
}

void json_start(void)
{
    json_set_alloc_funcs(allocate, free);
    json_object_seed(0);
}

/* Counts depth and values without building anything: jansson would take 77 bytes for each two of
 * `{},{},…`. Strings are skipped; whether the text is valid at all is the parser's business.
 * *has_big: it holds a number that jansson would refuse. */
static int scan(const char *text, size_t len, const struct json_limits *limits, bool *has_big,
                struct err *err)
{
    size_t depth = 0;
    size_t values = 1;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            values++;
            if (++depth > limits->depth) {
                return err_set(err, ERR_MALFORMED,
                               "the JSON is nested deeper than %zu levels; flatten it",
                               limits->depth);
            }
        } else if (c == '}' || c == ']') {
            depth -= depth > 0 ? 1 : 0;
        } else if (c == ',') {
            values++;
        } else if (c >= '0' && c <= '9') {
            size_t n = json_number_length(text + i, len - i);
            bool negative = i > 0 && text[i - 1] == '-';
            *has_big = *has_big || json_number_is_big(text + i - negative, n + negative);
            i += n > 0 ? n - 1 : 0;
        }
    }
    if (values > limits->values) {
        return err_set(err, ERR_TOO_LARGE,
                       "the JSON has more than %zu values; send it in several requests",
                       limits->values);
    }
    return 0;
}

int json_parse(const char *text, size_t len, const struct json_limits *limits, json_t **value,
               struct err *err)
{
    if (len > limits->bytes) {
        return err_set(err, ERR_TOO_LARGE, "the JSON has %zu bytes, more than %zu", len,
                       limits->bytes);
    }
    bool has_big = false;
    OWN(buf) struct buf kept = {0};
    buf_init(&kept, 4 * len + 64); /* a number of 19 digits gains 8 bytes, one of 5 as many */
    TRY(scan(text, len, limits, &has_big, err));
    if (has_big) {
        json_keep_big_numbers(&kept, text, len);
        TRY(buf_check(&kept, err));
        text = buf_text(&kept);
        len = kept.len;
    }
    json_error_t error;
    is_parsing = true;
    parse_has_failed = false;
    json_auto_t *parsed =
        json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    is_parsing = false;
    if (parse_has_failed) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (parsed == NULL) {
        return err_set(err, ERR_MALFORMED, "not valid JSON at line %d, column %d: %s", error.line,
                       error.column, error.text);
    }
    *value = json_incref(parsed);
    return 0;
}

int json_parse_own(const char *text, json_t **value, struct err *err)
{
    static const struct json_limits none = {SIZE_MAX, SIZE_MAX, SIZE_MAX};

    if (text == NULL) {
        *value = NULL;
        return 0;
    }
    if (json_parse(text, strlen(text), &none, value, err) != 0) {
        return err->code == ERR_NOMEM
                   ? -1
                   : err_set(err, ERR_IO, "a stored text is damaged: %.60s", text);
    }
    return 0;
}

size_t json_failures(void)
{
    return n_failures;
}

int json_check(size_t failures_before, struct err *err)
{
    return n_failures == failures_before ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

json_t *json_copy_whole(const json_t *value)
{
    size_t failures = n_failures;
    json_auto_t *copy = json_deep_copy(value);

    return n_failures == failures ? json_incref(copy) : NULL;
}

const char *json_format_number(double x, char text[JSON_NUMBER_BYTES])
{
    if (isnan(x)) {
        return strcpy(text, "NaN");
    }
    if (isinf(x)) {
        return strcpy(text, x > 0 ? "Infinity" : "-Infinity");
    }
    if (x == 0) {
        return strcpy(text, "0");
    }
    if (fabs(x) < 1e15 && x == floor(x)) {
        (void)snprintf(text, JSON_NUMBER_BYTES, "%.0f", x);
        return text;
    }
    char number[JSON_NUMBER_BYTES];

    /* constant formats: a `*` would cost printf a second pass over its arguments */
    (void)snprintf(number, sizeof number, "%.15g", x);
    if (strtod(number, NULL) != x) {
        (void)snprintf(number, sizeof number, "%.16g", x);
        if (strtod(number, NULL) != x) {
            (void)snprintf(number, sizeof number, "%.17g", x);
        }
    }
    (void)strcpy(text, number);
    return text;
}

bool json_is_number_like(const json_t *value)
{
    if (json_is_number(value) || json_big_number(value) != NULL) {
        return true;
    }
    const char *text = json_string_value(value);
    return text != NULL
           && (strcmp(text, "NaN") == 0 || strcmp(text, "Infinity") == 0
               || strcmp(text, "-Infinity") == 0);
}

bool json_is_finite(const json_t *value)
{
    return json_is_number_like(value) && isfinite(json_number_like(value));
}

double json_number_like(const json_t *value)
{
    const char *text = json_string_value(value);

    if (text == NULL) {
        return json_number_value(value) + 0.0; /* -0 becomes 0 */
    }
    if (json_big_number(value) != NULL) {
        return strtod(json_big_number(value), NULL);
    }
    if (text[0] == 'N') {
        return (double)NAN;
    }
    return text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
}
