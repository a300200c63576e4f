#include "common/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/integer.h"
#include "common/json.h"
#include "common/suggest.h"

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
