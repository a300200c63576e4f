/* JSON values compared, and written as a text for programs and for cells of a table.
 *
 * Nothing here keeps what it is given. Safe from any thread. */
#ifndef COMMON_JSON_VALUE_H
#define COMMON_JSON_VALUE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/buf.h"

/* A total order: null, booleans, numbers, strings, arrays, objects. 0: equal as JSON values. 1 and
 * 1.0 are equal, 1 and "1" and true are not; the order of an object's members does not count.
 * Numbers are compared exactly, without rounding an integer to a double. */
int json_compare(const json_t *a, const json_t *b);
bool json_same(const json_t *a, const json_t *b);

/* Appends the value as a program gets it, in its arguments and environment: a string as it is,
 * everything else as compact JSON. */
void json_append_text(struct buf *out, const json_t *value);

/* Appends the value as a cell of a table: the same, but a string that is empty or could be read as
 * JSON is a JSON string with its quotes. So an empty cell is no value, and 1, "1", null and "null"
 * differ. */
void json_append_cell(struct buf *out, const json_t *value);

#endif
