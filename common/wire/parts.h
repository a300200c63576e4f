/* What the two halves of wire (asking, reporting) share. For common/wire/ only. */
#ifndef COMMON_WIRE_PARTS_H
#define COMMON_WIRE_PARTS_H

#include "common/wire/wire.h"

#define INT53_MAX (((int64_t)1 << 53) - 1)

/* A string member into a fixed array; "" when missing, a fault when too long. */
void wire_copy(struct fields *fields, const char *name, char *out, size_t size);
/* RFC 3339 in UTC to milliseconds; -1 when it is none. */
int64_t wire_moment(const char *text);
/* A checkpoint as an object or as a bare uri; `step` stands where none is named. */
void wire_checkpoint_read(struct fields *parent, const char *name, int64_t step, bool strict,
                          struct checkpoint *checkpoint);

#endif
