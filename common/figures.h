/* Numbers, spans and JSON values as people read them, rounded. Any thread. */
#ifndef COMMON_FIGURES_H
#define COMMON_FIGURES_H

#include <jansson.h>
#include <stdint.h>

#include "common/buf.h"

/* At most `digits` significant ones: 0.00031, 3.1e-07, 1234. */
#define TEXT_NUMBER_BYTES 40
const char *text_number(double x, int digits, char text[TEXT_NUMBER_BYTES]);
/* "0:42", "12:05", "3:07:00", "2d 03:07". */
#define TEXT_SPAN_BYTES 32
const char *text_span(int64_t span_ms, char text[TEXT_SPAN_BYTES]);

/* A moment of the API as its reader shall see it, "2026-11-24 22:32:37 +01:00". */
#define TEXT_MOMENT_BYTES 40
/* In UTC: "2026-11-24 22:32:37Z". A text that is no moment is given back, shortened. */
const char *text_utc(const char *moment, char text[TEXT_MOMENT_BYTES]);

/* "lr=0.00031 units=128", numbers with `digits` significant ones. */
void parameters_append(struct buf *out, const json_t *parameters, int digits);
/* A string bare, a number with `digits` digits (17: the shortest that reads back), else as JSON. */
void value_append(struct buf *out, const json_t *value, int digits);
/* A parameter's value as a cell (common/json_value.h), reals to `digits`; NULL: nothing. */
void parameter_append_value(struct buf *out, const json_t *value, int digits);

#endif
