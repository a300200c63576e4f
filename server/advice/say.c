#include "server/advice/say.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Commas into the digits of a whole number. */
static void group(const char *digits, char text[SAY_BYTES])
{
    size_t n = strlen(digits);
    size_t at = 0;

    for (size_t i = 0; i < n && at + 2 < SAY_BYTES; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
}

const char *say_number(double x, char text[SAY_BYTES])
{
    char digits[SAY_BYTES];

    if (!(fabs(x) < 1e15)) {
        (void)snprintf(text, SAY_BYTES, "%.3g", x);
    } else if (x >= 99.95 || x == floor(x)) {
        (void)snprintf(digits, sizeof digits, "%.0f", x);
        group(digits, text);
    } else {
        (void)snprintf(text, SAY_BYTES, "%.*g", x < 1.0 ? 2 : 3, x);
    }
    return text;
}

const char *say_span(double seconds, char text[SAY_BYTES])
{
    if (seconds < 1.0) {
        (void)snprintf(text, SAY_BYTES, seconds < 0.01 ? "%.1g ms" : "%.0f ms", seconds * 1e3);
    } else if (seconds < 120.0) {
        (void)snprintf(text, SAY_BYTES, "%.3g s", seconds);
    } else if (seconds < 7200.0) {
        (void)snprintf(text, SAY_BYTES, "%.0f min", seconds / 60.0);
    } else if (seconds < 172800.0) {
        double minutes = round(seconds / 60.0);
        (void)snprintf(text, SAY_BYTES, fmod(minutes, 60.0) > 0.0 ? "%.0f h %.0f min" : "%.0f h",
                       floor(minutes / 60.0), fmod(minutes, 60.0));
    } else {
        char days[SAY_BYTES];
        (void)snprintf(text, SAY_BYTES, "%.40s days", say_number(seconds / 86400.0, days));
    }
    return text;
}

void say(json_t *sentences, const char *fmt, ...)
{
    char text[600];
    va_list args;

    if (sentences == NULL) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)json_array_append_new(sentences, json_string(text));
}
