/* JSON: values read from texts, behind limits on depth and members that are checked before anything
 * is built; duplicate keys and invalid UTF-8 are refused. With the readers of fields and the
 * writer. Values are not shared between threads. */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/fields.h"
#include "common/json_writer.h"

struct json_limits {
    size_t bytes;
    size_t depth;  /* nested arrays and objects */
    size_t values; /* tokens that open or separate a value */
};

/* 1 MiB, 32 deep, 50,000 values. */
extern const struct json_limits json_limits_default;

/* Jansson's iteration takes a plain pointer although it changes nothing. */
static inline json_t *json_unconst(const json_t *value)
{
    union {
        const json_t *borrowed;
        json_t *plain;
    } same = {value};

    return same.plain;
}

/* Call once before threads start and before any other use of jansson: seeds its hash tables, and
 * lets json_parse() tell a failed allocation from a fault of the text. */
void json_start(void);

/* ERR_MALFORMED (with line and column), ERR_TOO_LARGE or ERR_NOMEM. The caller owns *value
 * (json_decref). A number that jansson has no type for becomes a big number, see below. */
MUST_USE int json_parse(const char *text, size_t len, const struct json_limits *limits,
                        json_t **value, struct err *err);

/* The same for a text that we wrote ourselves, of any size; NULL reads as NULL. ERR_IO: it is
 * damaged. */
MUST_USE int json_parse_own(const char *text, json_t **value, struct err *err);

/* Jansson goes on without what it had no memory for: a copy lacks members, an array elements. What
 * builds or copies values therefore notes the count of this thread's failed allocations before, and
 * checks after: ERR_NOMEM when there are more, and what was built is to be dropped. */
size_t json_failures(void);
MUST_USE int json_check(size_t failures_before, struct err *err);
/* A deep copy that is whole, for the caller to own, or NULL. */
json_t *json_copy_whole(const json_t *value);
/* A number that neither a 64-bit integer nor a finite double holds as it is written, such as
 * 18446744073709551615 or 1e400, is kept as its text: json_big_number() returns that, or NULL for
 * every other value. To jansson it is a string (with a NUL in front, which no string of a request
 * may have); the writer gives it back as it came. Readers of numbers take its nearest double where
 * that is enough; nothing rounds it silently. */
const char *json_big_number(const json_t *value);
/* The number that the text spells in JSON, of whichever kind it needs; NULL: it spells none, or out
 * of memory. */
json_t *json_number_from_text(const char *text);

/* The shortest decimal that reads back as `x`; "NaN", "Infinity", "-Infinity" without quotes. */
#define JSON_NUMBER_BYTES 32
const char *json_format_number(double x, char text[JSON_NUMBER_BYTES]);

/* A number, a big number (read as its nearest double, which may be infinite), or one of the three
 * strings. */
bool json_is_number_like(const json_t *value);
double json_number_like(const json_t *value); /* only if json_is_number_like() */
/* A number, or a big number whose nearest double is finite. */
bool json_is_finite(const json_t *value);

#endif
