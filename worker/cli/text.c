#include "worker/cli/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/utf8.h"

/* ---- UTF-8 ---------------------------------------------------------------------------------- */

void text_append_clean_n(struct buf *out, const char *text, size_t len)
{
    size_t before = out->len;

    buf_append(out, text, len);
    if (!out->failed && len > 0) {
        out->len = before + utf8_clean(out->data + before, len);
        out->data[out->len] = '\0';
    }
}

void text_append_clean(struct buf *out, const char *text)
{
    text_append_clean_n(out, text, strlen(text));
}

static void print_n(FILE *out, const char *text, size_t len)
{
    OWN(buf) struct buf line = {0};

    buf_init(&line, len);
    text_append_clean_n(&line, text, len);
    (void)fprintf(out, "%s\n", buf_text(&line));
}

void text_print(FILE *out, const char *text)
{
    print_n(out, text, strlen(text));
}

void text_print_page(FILE *out, const char *page)
{
    while (*page != '\0') {
        size_t len = strcspn(page, "\n");
        print_n(out, page, len);
        page += len + (page[len] == '\n');
    }
}

/* wcwidth() needs a UTF-8 locale for these, which a batch job rarely has. */
static size_t point_width(uint32_t c)
{
    static const uint32_t wide[][2] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff}, {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                                       {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};

    if ((c >= 0x300 && c <= 0x36f) || (c >= 0xfe00 && c <= 0xfe0f)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (c >= wide[i][0] && c <= wide[i][1]) {
            return 2;
        }
    }
    return 1;
}

/* The bytes and columns of the character at `text`; a byte that is no UTF-8 counts as one. */
static size_t step(const char *text, size_t *width)
{
    uint32_t c = 0;
    size_t n = utf8_decode(text, strnlen(text, 4), &c);

    *width = n == 0 ? 1 : point_width(c);
    return n == 0 ? 1 : n;
}

size_t text_width(const char *text)
{
    size_t total = 0;

    while (*text != '\0') {
        size_t width;
        text += step(text, &width);
        total += width;
    }
    return total;
}

static void fill(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_putc(out, ' ');
    }
}

void text_append_fitted(struct buf *out, const char *text, size_t width, bool right)
{
    size_t whole = text_width(text);
    size_t used = 0;

    if (whole <= width) {
        fill(out, right ? width - whole : 0);
        buf_puts(out, text);
        fill(out, right ? 0 : width - whole);
        return;
    }
    for (size_t n, one = 0; width > 0; text += n) {
        n = step(text, &one);
        if (used + one > width - 1) {
            break;
        }
        buf_append(out, text, n);
        used += one;
    }
    buf_puts(out, width > 0 ? "…" : "");
    fill(out, width > used ? width - used - 1 : 0);
}

/* ---- numbers and moments -------------------------------------------------------------------- */

const char *text_number(double x, int digits, char text[TEXT_NUMBER_BYTES])
{
    if (isnan(x)) {
        return strcpy(text, "NaN");
    }
    if (isinf(x)) {
        return strcpy(text, x > 0 ? "inf" : "-inf");
    }
    if (x == 0) {
        return strcpy(text, "0");
    }
    if (x == floor(x) && fabs(x) < 1e9) {
        (void)snprintf(text, TEXT_NUMBER_BYTES, "%.0f", x);
        return text;
    }
    (void)snprintf(text, TEXT_NUMBER_BYTES, "%.*g", digits, x);
    return text;
}

const char *text_span(int64_t span_ms, char text[TEXT_SPAN_BYTES])
{
    int64_t s = span_ms < 0 ? 0 : (span_ms + 500) / 1000;
    int64_t day = s / 86400, hour = s / 3600 % 24, minute = s / 60 % 60;

    if (day > 0) {
        (void)snprintf(text, TEXT_SPAN_BYTES, "%" PRId64 "d %02" PRId64 ":%02" PRId64, day, hour,
                       minute);
    } else if (hour > 0) {
        (void)snprintf(text, TEXT_SPAN_BYTES, "%" PRId64 ":%02" PRId64 ":%02" PRId64, hour, minute,
                       s % 60);
    } else {
        (void)snprintf(text, TEXT_SPAN_BYTES, "%" PRId64 ":%02" PRId64, minute, s % 60);
    }
    return text;
}

int64_t text_moment_ms(const char *moment)
{
    struct tm tm = {0};
    const char *rest = strptime(moment, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t ms = 0;

    if (rest == NULL) {
        return -1;
    }
    if (*rest == '.') {
        int64_t unit = 100;
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10) {
            ms += unit * (*rest - '0');
        }
    }
    return strcmp(rest, "Z") == 0 ? (int64_t)timegm(&tm) * 1000 + ms : -1;
}

const char *text_local(const char *moment, char text[TEXT_MOMENT_BYTES])
{
    int64_t ms = text_moment_ms(moment);
    time_t at = (time_t)(ms / 1000);
    struct tm local;
    char day[24], zone[8];

    if (ms < 0 || localtime_r(&at, &local) == NULL
        || strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &local) == 0
        || strftime(zone, sizeof zone, "%z", &local) != 5) {
        (void)snprintf(text, TEXT_MOMENT_BYTES, "%.*s", TEXT_MOMENT_BYTES - 1, moment);
        return text;
    }
    (void)snprintf(text, TEXT_MOMENT_BYTES, "%s %.3s:%.2s", day, zone, zone + 3);
    return text;
}
