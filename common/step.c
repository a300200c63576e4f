#include "common/step.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE_MOST ((INT64_C(1) << 53) - 1)
#define DIGITS_MORE 3
#define UNITS_MOST INT64_C(1000000000000000)

int64_t step_most(int digits)
{
    return digits == 0 ? WHOLE_MOST : UNITS_MOST;
}

int64_t step_whole(int digits)
{
    int64_t units = 1;

    while (digits-- > 0) {
        units *= 10;
    }
    return units;
}

const char *step_format(int64_t step, int digits, char text[STEP_BYTES])
{
    int64_t one = step_whole(digits);
    int64_t rest = step % one;

    if (rest == 0) {
        (void)snprintf(text, STEP_BYTES, "%" PRId64, step / one);
        return text;
    }
    int len = snprintf(text, STEP_BYTES, "%s%" PRId64 ".%0*" PRId64, step < 0 ? "-" : "",
                       step < 0 ? -(step / one) : step / one, digits, rest < 0 ? -rest : rest);
    while (text[len - 1] == '0') {
        text[--len] = '\0';
    }
    return text;
}

static bool ends_in(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);

    return len > n && memcmp(text + len - n, end, n) == 0;
}

/* How many bytes at its end make a word a plural: passes, batches, boxes; epochs. */
static size_t plural_bytes(const char *word, size_t len)
{
    if (ends_in(word, len, "sses") || ends_in(word, len, "ches") || ends_in(word, len, "shes")
        || ends_in(word, len, "xes")) {
        return 2;
    }
    return ends_in(word, len, "s") && !ends_in(word, len, "ss") ? 1 : 0;
}

int step_unit_bytes(const char *step, const char *resource)
{
    size_t len = strlen(resource);

    return (int)(len - (strcmp(step, "1") == 0 ? plural_bytes(resource, len) : 0));
}

double step_number(int64_t step, int digits)
{
    return (double)step / (double)step_whole(digits);
}

bool step_from_number(double number, int digits, int64_t *step)
{
    double units = digits == 0 ? number : floor(number * (double)step_whole(digits) + 0.5);

    if (!(number >= 0 && units <= (double)step_most(digits)) || units != floor(units)) {
        return false;
    }
    *step = (int64_t)units;
    return true;
}

int step_decimals(double number)
{
    char text[JSON_NUMBER_BYTES];
    const char *point = strchr(json_format_number(number, text), '.');
    const char *exponent = strchr(text, 'e');
    long shift = exponent == NULL ? 0 : strtol(exponent + 1, NULL, 10);
    long decimals = point == NULL ? 0 : (long)strspn(point + 1, "0123456789");

    return decimals > shift ? (int)(decimals - shift) : 0;
}

int step_unit_digits(double unit)
{
    for (int digits = 0; digits <= STEP_DIGITS_MAX; digits++) {
        if (unit == step_number(1, digits)) {
            return digits;
        }
    }
    return -1;
}

static bool digits_fit(double max, int digits)
{
    return digits <= STEP_DIGITS_MAX
           && !(max * (double)step_whole(digits) > (double)step_most(digits));
}

int step_default_digits(double min, double max, double step)
{
    const double said[] = {min, max, step};
    int least = 0;

    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        int digits = isfinite(said[i]) ? step_decimals(said[i]) : 0;
        least = digits > least ? digits : least;
    }
    if (least == 0 || !digits_fit(max, least)) {
        return least == 0 ? 0 : -1;
    }
    int digits = least + DIGITS_MORE;
    while (digits > least && !digits_fit(max, digits)) {
        digits--;
    }
    return digits;
}

static double number_of(const json_t *resource, const char *name)
{
    const json_t *value = json_object_get(resource, name);

    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

int step_resource_digits(const json_t *resource)
{
    double unit = number_of(resource, "unit");
    int digits = isnan(unit)
                     ? step_default_digits(number_of(resource, "min"), number_of(resource, "max"),
                                           number_of(resource, "step"))
                     : step_unit_digits(unit);

    return digits < 0 ? 0 : digits;
}

/* ---- in JSON ---- */

void json_write_step(struct json_writer *w, int64_t step, int digits)
{
    char text[STEP_BYTES];

    (void)step_format(step, digits, text);
    json_write_raw(w, text, strlen(text));
}

void json_put_step(struct json_writer *w, const char *key, int64_t step, int digits)
{
    json_write_key(w, key);
    json_write_step(w, step, digits);
}

/* Reads the member. Returns false when it is missing, and after adding a fault. */
static bool read_number(struct fields *fields, const char *name, int digits, int64_t *step)
{
    double number = fields_real(fields, name, (double)NAN);
    char most[STEP_BYTES];

    if (isnan(number)) {
        return false;
    }
    if (!step_from_number(number, digits, step)) {
        fields_fault(fields, name, "must lie between 0 and %s",
                     step_format(step_most(digits), digits, most));
        return false;
    }
    return true;
}

int64_t fields_step(struct fields *fields, const char *name, int digits, int64_t fallback,
                    int64_t low, int64_t high)
{
    char from[STEP_BYTES];
    char to[STEP_BYTES];
    int64_t step;

    if (digits == 0) {
        return fields_int(fields, name, fallback, low, high);
    }
    if (!read_number(fields, name, digits, &step)) {
        return fallback;
    }
    if (step_number(step, digits) != json_number_like(fields_any(fields, name))) {
        fields_fault(fields, name, "has more decimals than the resource's unit, %s",
                     step_format(1, digits, from));
    } else if (step < low || step > high) {
        fields_fault(fields, name, "must lie between %s and %s", step_format(low, digits, from),
                     step_format(high, digits, to));
    } else {
        return step;
    }
    return fallback;
}

int64_t fields_step_nearest(struct fields *fields, const char *name, int digits, int64_t fallback)
{
    int64_t step;

    if (digits == 0) {
        return fields_int(fields, name, fallback, 0, WHOLE_MOST);
    }
    return read_number(fields, name, digits, &step) ? step : fallback;
}
