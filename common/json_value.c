#include "common/json_value.h"

#include <math.h>
#include <string.h>

#include "common/json.h"

/* ---- order ---- */

enum rank { RANK_NULL, RANK_BOOLEAN, RANK_NUMBER, RANK_STRING, RANK_ARRAY, RANK_OBJECT };

static enum rank rank_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_TRUE:
    case JSON_FALSE:
        return RANK_BOOLEAN;
    case JSON_INTEGER:
    case JSON_REAL:
        return RANK_NUMBER;
    case JSON_STRING:
        return RANK_STRING;
    case JSON_ARRAY:
        return RANK_ARRAY;
    case JSON_OBJECT:
        return RANK_OBJECT;
    case JSON_NULL:
    default:
        return RANK_NULL;
    }
}

/* The real is rounded down to an integer, so that the integer keeps all of its digits. */
static int compare_mixed(json_int_t integer, double real)
{
    if (real >= 0x1p63) {
        return -1;
    }
    if (real < -0x1p63) {
        return 1;
    }
    json_int_t whole = (json_int_t)floor(real);
    if (integer != whole) {
        return integer < whole ? -1 : 1;
    }
    return real > floor(real) ? -1 : 0;
}

static int compare_numbers(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a);
        json_int_t y = json_integer_value(b);
        return (x > y) - (x < y);
    }
    if (json_is_integer(a)) {
        return compare_mixed(json_integer_value(a), json_real_value(b));
    }
    if (json_is_integer(b)) {
        return -compare_mixed(json_integer_value(b), json_real_value(a));
    }
    double x = json_real_value(a);
    double y = json_real_value(b);
    return (x > y) - (x < y);
}

static int compare_strings(const json_t *a, const json_t *b)
{
    size_t m = json_string_length(a);
    size_t n = json_string_length(b);
    int order = memcmp(json_string_value(a), json_string_value(b), m < n ? m : n);

    return order != 0 ? order : (m > n) - (m < n);
}

static int compare_arrays(const json_t *a, const json_t *b)
{
    size_t m = json_array_size(a);
    size_t n = json_array_size(b);

    for (size_t i = 0; i < m && i < n; i++) {
        int order = json_compare(json_array_get(a, i), json_array_get(b, i));
        if (order != 0) {
            return order;
        }
    }
    return (m > n) - (m < n);
}

/* The first key, in the order of keys, of a member of `a` that `b` has not; NULL: there is none. */
static const char *first_difference(const json_t *a, const json_t *b)
{
    const char *first = NULL;
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(a), key, value) {
        const json_t *other = json_object_get(b, key);
        if ((other == NULL || json_compare(value, other) != 0)
            && (first == NULL || strcmp(key, first) < 0)) {
            first = key;
        }
    }
    return first;
}

/* By the first key at which they differ; a missing member comes after every value. */
static int compare_objects(const json_t *a, const json_t *b)
{
    const char *in_a = first_difference(a, b);
    const char *in_b = first_difference(b, a);

    if (in_a == NULL || in_b == NULL) {
        return (in_a == NULL) - (in_b == NULL);
    }
    int order = strcmp(in_a, in_b);
    return order != 0 ? order : json_compare(json_object_get(a, in_a), json_object_get(b, in_a));
}

int json_compare(const json_t *a, const json_t *b)
{
    enum rank rank = rank_of(a);

    if (rank != rank_of(b)) {
        return rank < rank_of(b) ? -1 : 1;
    }
    switch (rank) {
    case RANK_BOOLEAN:
        return (int)json_is_true(a) - (int)json_is_true(b);
    case RANK_NUMBER:
        return compare_numbers(a, b);
    case RANK_STRING:
        return compare_strings(a, b);
    case RANK_ARRAY:
        return compare_arrays(a, b);
    case RANK_OBJECT:
        return compare_objects(a, b);
    case RANK_NULL:
    default:
        return 0;
    }
}

bool json_same(const json_t *a, const json_t *b)
{
    return json_compare(a, b) == 0;
}

/* ---- texts ---- */

static void append_json(struct buf *out, const json_t *value)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_write_value(&w, value);
}

void json_append_text(struct buf *out, const json_t *value)
{
    if (json_is_string(value) && json_big_number(value) == NULL) {
        buf_append(out, json_string_value(value), json_string_length(value));
    } else {
        append_json(out, value);
    }
}

/* Could the text be read as JSON? Without memory to try, notes that in `out`. */
static bool reads_as_json(const json_t *string, struct buf *out)
{
    const char *text = json_string_value(string);
    json_auto_t *value = NULL;
    struct err err = {0};

    if (strchr("-0123456789\"[{tfn", text[strspn(text, " \t\r\n")]) == NULL) {
        return false;
    }
    if (json_parse(text, json_string_length(string), &json_limits_default, &value, &err) == 0) {
        return true;
    }
    if (err.code == ERR_NOMEM) {
        buf_lack_memory(out);
    }
    return false;
}

void json_append_cell(struct buf *out, const json_t *value)
{
    if (json_is_string(value) && json_big_number(value) == NULL
        && (json_string_length(value) == 0 || reads_as_json(value, out))) {
        append_json(out, value);
    } else {
        json_append_text(out, value);
    }
}
