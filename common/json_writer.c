#include "common/json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/utf8.h"

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
