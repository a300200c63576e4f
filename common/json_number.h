/* Numbers that jansson has no type for; for json.c alone (json_big_number() is declared there). */
#ifndef COMMON_JSON_NUMBER_H
#define COMMON_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

/* The length of the number that begins at text[0], of which `len` bytes may be read; 0: none. */
size_t json_number_length(const char *text, size_t len);
/* Would jansson refuse it: an integer beyond 64 bits, or a real beyond the largest double? */
bool json_number_is_big(const char *text, size_t len);
/* Appends the text with every big number as a string that json_big_number() knows. */
void json_keep_big_numbers(struct buf *out, const char *text, size_t len);

#endif
