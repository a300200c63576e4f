#include "common/wire/parts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void wire_copy(struct fields *fields, const char *name, char *out, size_t size)
{
    const char *text = fields_string(fields, name, "");
    size_t len = strlen(text);

    if (len >= size) {
        fields_fault(fields, name, "must have at most %zu characters", size - 1);
        return;
    }
    memcpy(out, text, len + 1);
}

int64_t wire_moment(const char *text)
{
    struct tm utc = {0};
    int ms = 0;
    int n = 0;

    if (text == NULL
        || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
                  &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &n)
               != 6) {
        return -1;
    }
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    if (text[n] == '.') {
        (void)sscanf(text + n, ".%3d", &ms);
    }
    return (int64_t)timegm(&utc) * 1000 + ms;
}
