/* Reading the fields of a JSON object.
 *
 * Every reader names the field it wants, gives what to take when it is missing, and adds a fault
 * (with its pointer) when the type is wrong. fields_end() then reports each member that was
 * not read as unknown: the caller's reads are the list of known fields. */
#ifndef COMMON_FIELDS_H
#define COMMON_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

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

#endif
