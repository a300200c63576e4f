/* Writes JSON as it comes, into a struct buf: numbers in the shortest form that reads back the
 * same, non-finite ones as the strings "NaN", "Infinity", "-Infinity", and -0 as 0; texts are UTF-8
 * and hold no character that commands a terminal, whatever they were made from. */
#ifndef COMMON_JSON_WRITER_H
#define COMMON_JSON_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

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
