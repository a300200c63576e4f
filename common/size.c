#include "common/size.h"

#include <string.h>

#include "common/integer.h"

#define SIZE_MOST ((int64_t)1 << 62)

static int64_t unit_of(const char *suffix)
{
    static const char letters[] = "KMGT";
    const char *letter = suffix[0] == '\0' ? NULL : strchr(letters, suffix[0]);
    int64_t unit = 1;

    if (suffix[0] == '\0' || strcmp(suffix, "B") == 0) {
        return 1;
    }
    if (letter == NULL) {
        return 0;
    }
    bool is_binary = suffix[1] == '\0' || strcmp(suffix + 1, "iB") == 0;
    if (!is_binary && strcmp(suffix + 1, "B") != 0) {
        return 0;
    }
    for (const char *at = letters; at <= letter; at++) {
        unit *= is_binary ? 1024 : 1000;
    }
    return unit;
}

bool size_from_text(const char *text, int64_t *bytes)
{
    int64_t number;

    if (!integer_read(&text, 0, SIZE_MOST, &number)) {
        return false;
    }
    text += *text == ' ' ? 1 : 0;
    int64_t unit = unit_of(text);
    if (unit == 0 || number > SIZE_MOST / unit) {
        return false;
    }
    *bytes = number * unit;
    return true;
}
