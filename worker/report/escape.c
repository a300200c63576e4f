#include "worker/report/escape.h"

#include <stdbool.h>
#include <string.h>

#include "common/utf8.h"
#include "worker/report/prefix.h"

#define ESC 0x1b
#define BEL 0x07

/* Control characters of the C1 set by their 7-bit letters: ESC [ and 0x9b are the same. */
enum {
    C1_STRING_DCS = 'P',
    C1_STRING_SOS = 'X',
    C1_CSI = '[',
    C1_OSC = ']',
    C1_PM = '^',
    C1_APC = '_',
    SCREEN_TITLE = 'k'
};

/* The C1 control at `at`, as its letter, and its bytes; 0: there is none. */
static char control_at(const char *text, size_t len, size_t at, size_t *bytes)
{
    uint32_t point = 0;
    unsigned char first = (unsigned char)text[at];
    size_t n = utf8_decode(text + at, len - at, &point);

    if (first == ESC) {
        *bytes = at + 1 < len ? 2 : 1;
        return at + 1 < len ? text[at + 1] : '\\'; /* cut by the line's end */
    }
    if (n == 0 && first >= 0x80 && first < 0xa0) { /* 8-bit */
        *bytes = 1;
        return (char)(first - 0x40);
    }
    if (n == 2 && point >= 0x80 && point < 0xa0) { /* the same in UTF-8 */
        *bytes = 2;
        return (char)(point - 0x40);
    }
    *bytes = 0;
    return '\0';
}

static bool is_between(char c, unsigned char low, unsigned char high)
{
    return (unsigned char)c >= low && (unsigned char)c <= high;
}

/* Passes over parameters and the letter that ends them; sets *mark where the cursor moves. */
static size_t pass_csi(const char *text, size_t len, size_t at, char *mark)
{
    while (at < len && is_between(text[at], 0x20, 0x3f)) {
        at++;
    }
    if (at < len && is_between(text[at], 0x40, 0x7e)) {
        if (strchr("ABEFGHfJdsu", text[at]) != NULL) {
            *mark = '\n';
        } else if (text[at] == 'C') {
            *mark = ' ';
        } else if (text[at] == 'D') {
            *mark = '\b';
        }
        at++;
    }
    return at;
}

/* Passes over a string up to its end: BEL, ESC \, or the same in 8 bits. */
static size_t pass_string(const char *text, size_t len, size_t at)
{
    while (at < len) {
        size_t bytes = 0;
        char control = control_at(text, len, at, &bytes);
        if (control == '\\') {
            return at + bytes;
        }
        if (text[at] == BEL) {
            return at + 1;
        }
        at++;
    }
    return at;
}

/* Passes over ESC, signs and the letter that ends them. */
static size_t pass_short(const char *text, size_t len, size_t at, char *mark)
{
    while (at < len && is_between(text[at], 0x20, 0x2f)) {
        at++;
    }
    if (at < len && is_between(text[at], 0x30, 0x7e)) {
        *mark = strchr("DEMc", text[at]) != NULL ? '\n' : *mark;
        at++;
    }
    return at;
}

static size_t pass_sequence(const char *text, size_t len, size_t at, char *mark)
{
    size_t bytes = 0;
    char letter = control_at(text, len, at, &bytes);

    switch (letter) {
    case C1_CSI:
        return pass_csi(text, len, at + bytes, mark);
    case C1_OSC:
    case C1_STRING_DCS:
    case C1_STRING_SOS:
    case C1_PM:
    case C1_APC:
    case SCREEN_TITLE:
        return pass_string(text, len, at + bytes);
    default:
        if (text[at] != ESC) {
            *mark = letter == 'E' || letter == 'D' || letter == 'M' ? '\n' : *mark;
            return at + bytes;
        }
        return pass_short(text, len, at + 1, mark);
    }
}

/* A whole character, so that its second byte is not taken for a control of 8 bits. */
static size_t bytes_of(const char *text, size_t len)
{
    uint32_t point;
    size_t n = utf8_decode(text, len, &point);

    return n > 0 ? n : 1;
}

static bool begins_report(const char *text, size_t len)
{
    size_t prefix = sizeof REPORT_PREFIX - 1;

    return len >= prefix && memcmp(text, REPORT_PREFIX, prefix) == 0;
}

size_t escape_strip(char *text, size_t len)
{
    size_t kept = 0;

    for (size_t at = 0; at < len;) {
        size_t bytes = 0;
        char mark = '\0';
        if (control_at(text, len, at, &bytes) == '\0') {
            size_t n = bytes_of(text + at, len - at);
            memmove(text + kept, text + at, n);
            kept += n;
            at += n;
            continue;
        }
        at = pass_sequence(text, len, at, &mark);
        if (mark == '\0' && begins_report(text + at, len - at)) {
            mark = ESCAPE_EDGE;
        }
        if (mark != '\0') {
            text[kept++] = mark;
        }
    }
    return kept;
}
