/* Spaces written in a test: single quotes stand for double ones, so that the cases can be read. */
#ifndef TESTS_SUPPORT_SPACE_TEXT_H
#define TESTS_SUPPORT_SPACE_TEXT_H

#include "common/space/space.h"

/* Aborts when it is no JSON. The caller owns it. */
json_t *json_from_text(const char *text);
/* "constraints" may be NULL. -1 with faults, as space_from_json(). */
int space_from_text(const char *parameters, const char *constraints, struct space **space,
                    struct faults *faults);
/* The same, but aborts and says why when there is a fault. */
struct space *space_or_abort(const char *parameters, const char *constraints);

#endif
