#include "tests/support/space_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *json_from_text(const char *text)
{
    OWN(memory) char *json = strdup(text);

    for (char *c = json; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_t *value = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (value == NULL) {
        (void)fprintf(stderr, "not JSON: %s\n", text);
        abort();
    }
    return value;
}

int space_from_text(const char *parameters, const char *constraints, struct space **space,
                    struct faults *faults)
{
    json_auto_t *list = json_from_text(parameters);
    json_auto_t *rules = constraints != NULL ? json_from_text(constraints) : NULL;

    TRY(space_from_json(list, rules, space, faults));
    space_check_constraints(*space, faults);
    if (faults->total == 0) {
        return 0;
    }
    space_destroy(*space);
    *space = NULL;
    return -1;
}

struct space *space_or_abort(const char *parameters, const char *constraints)
{
    struct space *space = NULL;
    struct faults faults = {0};

    if (space_from_text(parameters, constraints, &space, &faults) != 0) {
        (void)fprintf(stderr, "%s: %s\n", faults.items[0].pointer, faults.items[0].detail);
        abort();
    }
    return space;
}
