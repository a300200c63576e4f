#include "common/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/json_value.h"

const char *text_number(double x, int digits, char text[TEXT_NUMBER_BYTES])
{
    if (isnan(x)) {
        return strcpy(text, "NaN");
    }
    if (isinf(x)) {
        return strcpy(text, x > 0 ? "inf" : "-inf");
    }
    if (x == 0) {
        return strcpy(text, "0");
    }
    if (x == floor(x) && fabs(x) < 1e9) {
        (void)snprintf(text, TEXT_NUMBER_BYTES, "%.0f", x);
        return text;
    }
    (void)snprintf(text, TEXT_NUMBER_BYTES, "%.*g", digits, x);
    return text;
}

const char *text_span(int64_t span_ms, char text[TEXT_SPAN_BYTES])
{
    int64_t s = span_ms < 0 ? 0 : (span_ms + 500) / 1000;
    int64_t day = s / 86400, hour = s / 3600 % 24, minute = s / 60 % 60;

    if (day > 0) {
        (void)snprintf(text, TEXT_SPAN_BYTES, "%" PRId64 "d %02" PRId64 ":%02" PRId64, day, hour,
                       minute);
    } else if (hour > 0) {
        (void)snprintf(text, TEXT_SPAN_BYTES, "%" PRId64 ":%02" PRId64 ":%02" PRId64, hour, minute,
                       s % 60);
    } else {
        (void)snprintf(text, TEXT_SPAN_BYTES, "%" PRId64 ":%02" PRId64, minute, s % 60);
    }
    return text;
}

const char *text_utc(const char *moment, char text[TEXT_MOMENT_BYTES])
{
    size_t len = strlen(moment);

    if (len != sizeof "2026-11-24T22:32:37.123Z" - 1 || moment[10] != 'T') {
        (void)snprintf(text, TEXT_MOMENT_BYTES, "%.*s", TEXT_MOMENT_BYTES - 1, moment);
        return text;
    }
    (void)snprintf(text, TEXT_MOMENT_BYTES, "%.10s %.8sZ", moment, moment + 11);
    return text;
}

void value_append(struct buf *out, const json_t *value, int digits)
{
    char text[TEXT_NUMBER_BYTES];

    if (json_is_string(value)) {
        buf_puts(out, json_string_value(value));
    } else if (json_is_integer(value)) {
        buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        double x = json_real_value(value);
        buf_puts(out, digits >= 17 ? json_format_number(x, text) : text_number(x, digits, text));
    } else if (value != NULL && !json_is_null(value)) {
        struct json_writer writer;
        json_writer_init(&writer, out);
        json_write_value(&writer, value);
    }
}

void parameter_append_value(struct buf *out, const json_t *value, int digits)
{
    if (json_is_real(value)) {
        value_append(out, value, digits);
    } else if (value != NULL) {
        json_append_cell(out, value);
    }
}

void parameters_append(struct buf *out, const json_t *parameters, int digits)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(parameters), name, value) {
        buf_printf(out, "%s%s=", out->len > 0 ? " " : "", name);
        parameter_append_value(out, value, digits);
    }
}
