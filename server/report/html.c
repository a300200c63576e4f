#include "server/report/html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/utf8.h"

static void append_ascii(struct buf *out, char c)
{
    switch (c) {
    case '&':
        buf_puts(out, "&amp;");
        break;
    case '<':
        buf_puts(out, "&lt;");
        break;
    case '>':
        buf_puts(out, "&gt;");
        break;
    case '"':
        buf_puts(out, "&quot;");
        break;
    case '\'':
        buf_puts(out, "&#39;");
        break;
    default:
        buf_putc(out, c);
    }
}

/* Appends the character at `text`; returns its bytes. */
static size_t append_character(struct buf *out, const char *text, size_t len)
{
    uint32_t point = 0;
    size_t n = utf8_decode(text, len, &point);

    if (n == 1 && (*text == '\n' || *text == '\t')) {
        buf_putc(out, *text);
    } else if (n == 0 || utf8_is_unseen(point)) {
        buf_puts(out, "\xef\xbf\xbd");
    } else if (n == 1) {
        append_ascii(out, *text);
    } else {
        buf_append(out, text, n);
    }
    return n == 0 ? 1 : n;
}

bool html_text_cut(struct buf *out, const char *text, size_t max)
{
    size_t len = strlen(text);

    for (size_t at = 0, n = 0; at < len; n++) {
        if (n == max) {
            buf_puts(out, "…");
            return true;
        }
        at += append_character(out, text + at, len - at);
    }
    return false;
}

void html_text(struct buf *out, const char *text)
{
    (void)html_text_cut(out, text, SIZE_MAX);
}

/* "1.5e-05" → "1.5e-5" */
static void shorten_exponent(char *text)
{
    char *at = strchr(text, 'e');

    if (at == NULL) {
        return;
    }
    at += at[1] == '-' ? 2 : 1;
    size_t n = strspn(at, "+0");
    memmove(at, at + n, strlen(at + n) + 1);
}

const char *short_number(double value, char text[SHORT_BYTES])
{
    if (isnan(value)) {
        return strcpy(text, "NaN");
    }
    if (isinf(value)) {
        return strcpy(text, value > 0 ? "∞" : "−∞");
    }
    double size = fabs(value);
    bool is_whole = size < 1e6 && floor(size) >= size;
    (void)snprintf(text, SHORT_BYTES, is_whole ? "%.0f" : "%.4g", value == 0 ? 0 : value);
    shorten_exponent(text);
    return text;
}

const char *short_count(int64_t n, char text[SHORT_BYTES])
{
    char digits[SHORT_BYTES];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRId64, n < 0 ? 0 : n);
    size_t at = 0;

    for (size_t i = 0; i < len && at + 2 < SHORT_BYTES; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

const char *short_span(double seconds, char text[SHORT_BYTES])
{
    int64_t whole = seconds > 0 && seconds < 1e12 ? (int64_t)(seconds + 0.5) : 0;

    if (seconds > 0 && seconds < 10) {
        (void)snprintf(text, SHORT_BYTES, "%.2g s", seconds);
    } else if (whole < 60) {
        (void)snprintf(text, SHORT_BYTES, "%" PRId64 " s", whole);
    } else if (whole < 3600) {
        (void)snprintf(text, SHORT_BYTES, "%" PRId64 " min %" PRId64 " s", whole / 60, whole % 60);
    } else if (whole < 86400) {
        (void)snprintf(text, SHORT_BYTES, "%" PRId64 " h %" PRId64 " min", whole / 3600,
                       whole / 60 % 60);
    } else {
        (void)snprintf(text, SHORT_BYTES, "%" PRId64 " d %" PRId64 " h", whole / 86400,
                       whole / 3600 % 24);
    }
    return text;
}

const char *short_moment(int64_t wall_ms, char text[SHORT_BYTES])
{
    char whole[CLOCK_TEXT_BYTES];

    if (wall_ms <= 0) {
        return strcpy(text, "–");
    }
    (void)clock_format(wall_ms, whole);
    (void)snprintf(text, SHORT_BYTES, "%.10s %.5s UTC", whole, whole + 11);
    return text;
}
