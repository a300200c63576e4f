#include "server/advice/sentence.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* text ← the digits of a whole number with commas. */
static void add_commas(const char *digits, char text[NUMBER_TEXT_BYTES])
{
    size_t n = strlen(digits);
    size_t at = 0;

    for (size_t i = 0; i < n && at + 2 < NUMBER_TEXT_BYTES; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
}

const char *number_text(double x, char text[NUMBER_TEXT_BYTES])
{
    char digits[NUMBER_TEXT_BYTES];

    if (!(fabs(x) < 1e15)) {
        (void)snprintf(text, NUMBER_TEXT_BYTES, "%.3g", x);
    } else if (x >= 99.95 || x == floor(x)) {
        (void)snprintf(digits, sizeof digits, "%.0f", x);
        add_commas(digits, text);
    } else {
        (void)snprintf(text, NUMBER_TEXT_BYTES, "%.*g", x < 1.0 ? 2 : 3, x);
    }
    return text;
}

const char *duration_text(double seconds, char text[NUMBER_TEXT_BYTES])
{
    if (seconds < 1.0) {
        (void)snprintf(text, NUMBER_TEXT_BYTES, seconds < 0.01 ? "%.1g ms" : "%.0f ms",
                       seconds * 1e3);
    } else if (seconds < 120.0) {
        (void)snprintf(text, NUMBER_TEXT_BYTES, "%.3g s", seconds);
    } else if (seconds < 7200.0) {
        (void)snprintf(text, NUMBER_TEXT_BYTES, "%.0f min", seconds / 60.0);
    } else if (seconds < 172800.0) {
        double minutes = round(seconds / 60.0);
        (void)snprintf(text, NUMBER_TEXT_BYTES,
                       fmod(minutes, 60.0) > 0.0 ? "%.0f h %.0f min" : "%.0f h",
                       floor(minutes / 60.0), fmod(minutes, 60.0));
    } else {
        char days[NUMBER_TEXT_BYTES];
        (void)snprintf(text, NUMBER_TEXT_BYTES, "%.40s days", number_text(seconds / 86400.0, days));
    }
    return text;
}

const char *regret_text(struct figure figure, char text[NUMBER_TEXT_BYTES])
{
    double low;
    double high;

    if (benchmark_interval(figure, &low, &high)) {
        (void)snprintf(text, NUMBER_TEXT_BYTES, "%.2f (%.2f-%.2f)", figure.mean, low, high);
    } else {
        (void)snprintf(text, NUMBER_TEXT_BYTES, "%.2f", figure.mean);
    }
    return text;
}

void sentence_add(json_t *sentences, const char *fmt, ...)
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
