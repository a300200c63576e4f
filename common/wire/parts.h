/* What the messages of common/wire/ are read with. For that folder only. */
#ifndef COMMON_WIRE_PARTS_H
#define COMMON_WIRE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/json.h"

#define INT53_MAX (((int64_t)1 << 53) - 1)

/* A string member into a fixed array; "" when missing, a fault when too long. */
void wire_copy(struct fields *fields, const char *name, char *out, size_t size);
/* RFC 3339 in UTC to milliseconds; -1 when it is none. */
int64_t wire_moment(const char *text);
/* The member "step" as the message says it: a number from 0 to 2^53 - 1. */
double wire_step(struct fields *fields, double fallback);
/* Writes it as it was said. */
void wire_put_said(struct json_writer *w, const char *key, double said);
/* Converts a step to the unit of the study. Returns false after adding a fault at the pointer. */
bool wire_settle(double said, int digits, const char *pointer, int64_t *step,
                 struct faults *faults);

#endif
