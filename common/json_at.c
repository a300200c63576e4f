#include "common/json_at.h"

#include <math.h>

#define INT_MOST (INT64_C(1) << 53)

const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

int64_t int_at(const json_t *object, const char *key, int64_t missing)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_integer_value(value);

    return json_is_integer(value) && number >= -INT_MOST && number <= INT_MOST ? number : missing;
}

double number_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number_like(value) ? json_number_like(value) : (double)NAN;
}

const char *number_text_at(const json_t *object, const char *key, const char *missing,
                           char text[JSON_NUMBER_BYTES])
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_format_number(json_number_value(value), text) : missing;
}
