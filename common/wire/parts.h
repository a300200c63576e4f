/* What the messages of common/wire/ are read with. For that folder only. */
#ifndef COMMON_WIRE_PARTS_H
#define COMMON_WIRE_PARTS_H

#include <stdint.h>

#include "common/json.h"

#define INT53_MAX (((int64_t)1 << 53) - 1)

/* A string member into a fixed array; "" when missing, a fault when too long. */
void wire_copy(struct fields *fields, const char *name, char *out, size_t size);
/* RFC 3339 in UTC to milliseconds; -1 when it is none. */
int64_t wire_moment(const char *text);

#endif
