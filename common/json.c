#include "common/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/integer.h"
#include "common/json_number.h"
#include "common/suggest.h"
#include "common/utf8.h"

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
    /* Constant formats: a `*` would cost printf a second pass over its arguments. */ char
        number[JSON_NUMBER_BYTES];
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

/* ---- fields ---- */

void fields_begin(struct fields *fields, const json_t *object, const char *pointer,
                  struct faults *faults)
{
    *fields = (struct fields){.faults = faults};
    (void)snprintf(fields->pointer, sizeof fields->pointer, "%s", pointer);
    if (json_is_object(object)) {
        fields->object = object;
    } else if (object != NULL) {
        faults_add(faults, pointer, "must be an object");
    }
}

void fields_fault(struct fields *fields, const char *name, const char *fmt, ...)
{
    char pointer[sizeof fields->pointer + 96];
    char detail[512];
    va_list args;

    (void)snprintf(pointer, sizeof pointer, "%s/%.90s", fields->pointer, name);
    va_start(args, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    faults_add(fields->faults, pointer, "%s", detail);
}

/* A member's name as a part of a JSON pointer: ~ is ~0 and / is ~1. */
static void pointer_escape(const char *key, char *out, size_t bytes)
{
    size_t len = 0;

    for (; *key != '\0' && len + 3 < bytes; key++) {
        if (*key == '~' || *key == '/') {
            out[len++] = '~';
            out[len++] = *key == '~' ? '0' : '1';
        } else {
            out[len++] = *key;
        }
    }
    out[len] = '\0';
}

static void refuse_field(struct fields *fields, const char *key)
{
    struct suggestion_for meant = {.word = key};
    char escaped[100];

    /* What is only counted needs no suggestion: a body may hold a million such names. */
    for (size_t i = 0; i < fields->n_seen && fields->faults->n < FAULTS_MAX; i++) {
        suggest_offer(&meant, fields->seen[i]);
    }
    pointer_escape(key, escaped, sizeof escaped);
    fields_fault(fields, escaped, "unknown field \"%.80s\"%s%s%s", key,
                 meant.best == NULL ? "" : "; did you mean ", meant.best == NULL ? "" : meant.best,
                 meant.best == NULL ? "" : "?");
}

void fields_end(struct fields *fields)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(fields->object), key, value) {
        bool known = false;
        for (size_t i = 0; i < fields->n_seen && !known; i++) {
            known = strcmp(fields->seen[i], key) == 0;
        }
        if (!known) {
            refuse_field(fields, key);
        }
    }
}

const json_t *fields_any(struct fields *fields, const char *name)
{
    if (fields->n_seen < FIELDS_MAX) {
        fields->seen[fields->n_seen++] = name;
    }
    const json_t *value = json_object_get(fields->object, name);
    return json_is_null(value) ? NULL : value;
}

json_t *fields_copy(struct fields *fields, const json_t *value)
{
    json_t *copy = json_copy_whole(value);

    if (copy == NULL) {
        faults_no_memory(fields->faults);
    }
    return copy;
}

bool fields_has(const struct fields *fields, const char *name)
{
    const json_t *value = json_object_get(fields->object, name);

    return value != NULL && !json_is_null(value);
}

const char *fields_string(struct fields *fields, const char *name, const char *fallback)
{
    const json_t *value = fields_any(fields, name);

    if (value == NULL) {
        return fallback;
    }
    if (!json_is_string(value) || json_big_number(value) != NULL) {
        fields_fault(fields, name, "must be a string");
        return fallback;
    }
    if (strlen(json_string_value(value)) != json_string_length(value)) {
        fields_fault(fields, name, "must not contain the character NUL");
        return fallback;
    }
    return json_string_value(value);
}

bool fields_bool(struct fields *fields, const char *name, bool fallback)
{
    const json_t *value = fields_any(fields, name);

    if (value == NULL) {
        return fallback;
    }
    if (!json_is_boolean(value)) {
        fields_fault(fields, name, "must be true or false");
        return fallback;
    }
    return json_is_true(value);
}

int64_t fields_int(struct fields *fields, const char *name, int64_t fallback, int64_t low,
                   int64_t high)
{
    const json_t *value = fields_any(fields, name);
    int64_t number;

    if (value == NULL) {
        return fallback;
    }
    if (!json_is_number(value) && json_big_number(value) == NULL) {
        fields_fault(fields, name, "must be an integer");
        return fallback;
    }
    double real = json_number_like(value);
    if (!json_is_integer(value) && real != floor(real)) {
        fields_fault(fields, name, "must be an integer");
        return fallback;
    }
    number = json_is_integer(value) ? json_integer_value(value) : integer_from_real(real);
    bool is_exact = json_is_integer(value) || fabs(real) <= 0x1p53;
    if (number < low || number > high || !is_exact) {
        fields_fault(fields, name, "must lie between %" PRId64 " and %" PRId64, low, high);
        return fallback;
    }
    return number;
}

double fields_real(struct fields *fields, const char *name, double fallback)
{
    const json_t *value = fields_any(fields, name);

    if (value == NULL) {
        return fallback;
    }
    if (!json_is_finite(value)) {
        fields_fault(fields, name, "must be a finite number");
        return fallback;
    }
    return json_number_like(value);
}

const json_t *fields_object(struct fields *fields, const char *name)
{
    const json_t *value = fields_any(fields, name);

    if (value != NULL && !json_is_object(value)) {
        fields_fault(fields, name, "must be an object");
        return NULL;
    }
    return value;
}

const json_t *fields_array(struct fields *fields, const char *name)
{
    const json_t *value = fields_any(fields, name);

    if (value != NULL && !json_is_array(value)) {
        fields_fault(fields, name, "must be an array");
        return NULL;
    }
    return value;
}

/* ---- writing ---- */

void json_writer_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

/* The comma before a value or a key, where one is due. */
static void separate(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
    } else if (w->depth > 0) {
        if (w->filled[w->depth - 1]) {
            buf_putc(w->out, ',');
        }
        w->filled[w->depth - 1] = true;
    }
}

static void open_container(struct json_writer *w, char c)
{
    separate(w);
    buf_putc(w->out, c);
    if (w->depth < JSON_WRITER_DEPTH) {
        w->filled[w->depth++] = false;
    } else {
        w->out->failed = true;
    }
}

static void close_container(struct json_writer *w, char c)
{
    if (w->depth > 0) {
        w->depth--;
    }
    buf_putc(w->out, c);
}

void json_object_begin(struct json_writer *w)
{
    open_container(w, '{');
}

void json_object_end(struct json_writer *w)
{
    close_container(w, '}');
}

void json_array_begin(struct json_writer *w)
{
    open_container(w, '[');
}

void json_array_end(struct json_writer *w)
{
    close_container(w, ']');
}

static void escape(struct buf *out, uint32_t point)
{
    switch (point) {
    case '"':
        buf_puts(out, "\\\"");
        break;
    case '\\':
        buf_puts(out, "\\\\");
        break;
    case '\n':
        buf_puts(out, "\\n");
        break;
    case '\r':
        buf_puts(out, "\\r");
        break;
    case '\t':
        buf_puts(out, "\\t");
        break;
    default:
        buf_printf(out, "\\u%04" PRIx32, point);
    }
}

/* What commands a terminal is escaped, so that JSON can be looked at. */
static void quote(struct buf *out, const char *text, size_t len)
{
    size_t start = 0;

    buf_putc(out, '"');
    for (size_t i = 0; i < len;) {
        uint32_t point = (unsigned char)text[i];
        size_t n = 1;
        if (point >= 0x20 && point < 0x7f && point != '"' && point != '\\') {
            i++; /* nearly all there is */
            continue;
        }
        if (point >= 0x80 && (n = utf8_decode(text + i, len - i, &point)) == 0) {
            point = 0xfffd;
            n = 1;
        } else if (point != '"' && point != '\\' && !utf8_is_unseen(point)) {
            i += n;
            continue;
        }
        buf_append(out, text + start, i - start);
        escape(out, point);
        i += n;
        start = i;
    }
    buf_append(out, text + start, len - start);
    buf_putc(out, '"');
}

void json_write_key(struct json_writer *w, const char *key)
{
    separate(w);
    quote(w->out, key, strlen(key));
    buf_putc(w->out, ':');
    w->after_key = true;
}

static void write_text(struct json_writer *w, const char *text, size_t len)
{
    separate(w);
    quote(w->out, text, len);
}

void json_write_string(struct json_writer *w, const char *text)
{
    if (text == NULL) {
        json_write_null(w);
    } else {
        write_text(w, text, strlen(text));
    }
}

void json_write_int(struct json_writer *w, int64_t value)
{
    char text[24];
    char *at = text + sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    separate(w);
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--at = '-';
    }
    buf_append(w->out, at, (size_t)(text + sizeof text - at));
}

void json_write_number(struct json_writer *w, double value)
{
    char text[JSON_NUMBER_BYTES];

    (void)json_format_number(value, text);
    if (isfinite(value)) {
        separate(w);
        buf_puts(w->out, text);
    } else {
        json_write_string(w, text);
    }
}

void json_write_bool(struct json_writer *w, bool value)
{
    separate(w);
    buf_puts(w->out, value ? "true" : "false");
}

void json_write_null(struct json_writer *w)
{
    separate(w);
    buf_puts(w->out, "null");
}

void json_write_raw(struct json_writer *w, const char *json, size_t len)
{
    separate(w);
    buf_append(w->out, json, len);
}

static void write_string_or_number(struct json_writer *w, const json_t *value)
{
    const char *big = json_big_number(value);

    if (big != NULL) {
        json_write_raw(w, big, strlen(big));
    } else {
        write_text(w, json_string_value(value), json_string_length(value));
    }
}

static void write_object(struct json_writer *w, const json_t *value)
{
    const char *key;
    json_t *item;

    json_object_begin(w);
    json_object_foreach (json_unconst(value), key, item) {
        json_write_key(w, key);
        json_write_value(w, item);
    }
    json_object_end(w);
}

void json_write_value(struct json_writer *w, const json_t *value)
{
    size_t i;
    json_t *item;

    if (value == NULL) {
        json_write_null(w);
        return;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(w, value);
        break;
    case JSON_ARRAY:
        json_array_begin(w);
        json_array_foreach (value, i, item) {
            json_write_value(w, item);
        }
        json_array_end(w);
        break;
    case JSON_STRING:
        write_string_or_number(w, value);
        break;
    case JSON_INTEGER:
        json_write_int(w, json_integer_value(value));
        break;
    case JSON_REAL:
        json_write_number(w, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_write_bool(w, json_is_true(value));
        break;
    case JSON_NULL:
    default:
        json_write_null(w);
    }
}

static void write_moment(struct json_writer *w, int64_t wall_ms)
{
    char text[CLOCK_TEXT_BYTES];

    if (wall_ms < 0) {
        json_write_null(w);
    } else {
        json_write_string(w, clock_format(wall_ms, text));
    }
}

void json_put_string(struct json_writer *w, const char *key, const char *text)
{
    json_write_key(w, key);
    json_write_string(w, text);
}

void json_put_int(struct json_writer *w, const char *key, int64_t value)
{
    json_write_key(w, key);
    json_write_int(w, value);
}

void json_put_number(struct json_writer *w, const char *key, double value)
{
    json_write_key(w, key);
    json_write_number(w, value);
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
    json_write_key(w, key);
    json_write_bool(w, value);
}

void json_put_null(struct json_writer *w, const char *key)
{
    json_write_key(w, key);
    json_write_null(w);
}

void json_put_value(struct json_writer *w, const char *key, const json_t *value)
{
    json_write_key(w, key);
    json_write_value(w, value);
}

void json_put_raw(struct json_writer *w, const char *key, const char *json, size_t len)
{
    json_write_key(w, key);
    json_write_raw(w, json, len);
}

void json_put_moment(struct json_writer *w, const char *key, int64_t wall_ms)
{
    json_write_key(w, key);
    write_moment(w, wall_ms);
}
