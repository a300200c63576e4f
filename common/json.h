/* JSON in and out.
 *
 * In: jansson, behind limits on depth and members that are checked before anything is built;
 * duplicate keys and invalid UTF-8 are refused. Out: a streaming writer into a struct buf that
 * prints numbers in the shortest form that reads back the same, non-finite ones as the strings
 * "NaN", "Infinity", "-Infinity", and -0 as 0; its texts are UTF-8 and hold no character that
 * commands a terminal, whatever they were made from. Values are not shared between threads. */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

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

/* ---- reading the fields of an object ----------------------------------------------------------
 * Every reader names the field it wants, gives what to take when it is missing, and adds a fault
 * (with its pointer) when the type is wrong. fields_end() then reports each member that was
 * not read as unknown: the caller's reads are the list of known fields. */
#define FIELDS_MAX 48

struct fields {
    const json_t *object; /* borrowed; NULL reads as an empty object */
    char pointer[160];
    struct faults *faults;
    const char *seen[FIELDS_MAX];
    size_t n_seen;
};

/* A non-object is itself a fault; reads then behave as if it were empty. */
void fields_begin(struct fields *fields, const json_t *object, const char *pointer,
                  struct faults *faults);
/* Adds a fault for each member that was not read. */
void fields_end(struct fields *fields);

/* NULL when missing or null; borrowed. */
const json_t *fields_any(struct fields *fields, const char *name);
/* Each of these returns the value, or `fallback` where it is missing or null, and also after a
 * fault. A string is borrowed. */
const char *fields_string(struct fields *fields, const char *name, const char *fallback);
bool fields_bool(struct fields *fields, const char *name, bool fallback);
/* Faults outside low..high; a real with an integral value counts as an integer. Big integers lie
 * outside every range. */
int64_t fields_int(struct fields *fields, const char *name, int64_t fallback, int64_t low,
                   int64_t high);
double fields_real(struct fields *fields, const char *name, double fallback); /* finite only */
/* NULL when missing or null, and after a fault; borrowed. */
const json_t *fields_object(struct fields *fields, const char *name);
const json_t *fields_array(struct fields *fields, const char *name);
/* True where the member is present and not null. */
bool fields_has(const struct fields *fields, const char *name);
/* A deep copy of a value, for the caller to own; NULL when memory is out, which the faults hold. */
json_t *fields_copy(struct fields *fields, const json_t *value);
/* A fault at this field: its pointer is made here. */
void fields_fault(struct fields *fields, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- writing ----------------------------------------------------------------------------------
 */
#define JSON_WRITER_DEPTH 40

struct json_writer {
    struct buf *out;
    size_t depth;
    bool filled[JSON_WRITER_DEPTH]; /* something stands in this container */
    bool after_key;
};

/* Each writes one token to `out`, with the comma before it; what does not fit sets its `failed`. */
void json_writer_init(struct json_writer *w, struct buf *out);
void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_write_key(struct json_writer *w, const char *key);
void json_write_string(struct json_writer *w, const char *text); /* NULL writes null */
void json_write_int(struct json_writer *w, int64_t value);
void json_write_number(struct json_writer *w, double value);
void json_write_bool(struct json_writer *w, bool value);
void json_write_null(struct json_writer *w);
void json_write_raw(struct json_writer *w, const char *json, size_t len); /* valid JSON already */
void json_write_value(struct json_writer *w, const json_t *value);

/* Key and value in one. */
void json_put_string(struct json_writer *w, const char *key, const char *text);
void json_put_int(struct json_writer *w, const char *key, int64_t value);
void json_put_number(struct json_writer *w, const char *key, double value);
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_null(struct json_writer *w, const char *key);
void json_put_value(struct json_writer *w, const char *key, const json_t *value);
void json_put_raw(struct json_writer *w, const char *key, const char *json, size_t len);
void json_put_moment(struct json_writer *w, const char *key,
                     int64_t wall_ms); /* RFC 3339; negative: null */

#endif
