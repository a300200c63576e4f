#include "server/report/prose.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cell.h"
#include "common/utf8.h"
#include "server/report/html.h"

#define SAID_BYTES 2000

void prose_say(struct prose *prose, const char *fmt, ...)
{
    char text[SAID_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_puts(prose->out, text);
}

static void put_latex(struct buf *out, char c)
{
    static const struct {
        char c;
        const char *latex;
    } specials[] = {
        {'\\', "\\textbackslash{}"},
        {'~', "\\textasciitilde{}"},
        {'^', "\\textasciicircum{}"},
        {'<', "\\textless{}"},
        {'>', "\\textgreater{}"},
        {'|', "\\textbar{}"},
        {'"', "\\char34{}"},
        {'`', "\\char96{}"},
        {'-', "{-}"}, /* two of them are no dash */
        {'[', "{[}"}, /* behind the end of a row these would belong to it */
        {']', "{]}"},
        {'*', "{*}"},
    };

    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        if (specials[i].c == c) {
            buf_puts(out, specials[i].latex);
            return;
        }
    }
    if (strchr("{}$&#%_", c) != NULL) {
        buf_putc(out, '\\');
    }
    buf_putc(out, c);
}

void prose_word(struct prose *prose, const char *text, size_t max)
{
    OWN(buf) struct buf clean;
    size_t at = 0;

    buf_init(&clean, 1 << 20);
    cell_append_clean(&clean, text);
    for (size_t n = 0; at < clean.len && n < max; n++) {
        uint32_t point;
        size_t bytes = utf8_decode(clean.data + at, clean.len - at, &point);
        bytes = bytes == 0 ? 1 : bytes;
        if (bytes == 1 && prose->is_latex) {
            put_latex(prose->out, clean.data[at]);
        } else {
            buf_append(prose->out, clean.data + at, bytes);
        }
        at += bytes;
    }
    if (at < clean.len) {
        buf_puts(prose->out, prose->is_latex ? "\\ldots{}" : "…");
    }
    buf_check_part(prose->out, &clean);
}

void prose_number(struct prose *prose, double value)
{
    char text[SHORT_BYTES];
    char *exponent;

    if (!isfinite(value)) {
        buf_puts(prose->out, isnan(value) ? "NaN" : value > 0 ? "infinity" : "minus infinity");
        return;
    }
    (void)short_number(value, text);
    if (!prose->is_latex) {
        buf_puts(prose->out, text);
        return;
    }
    exponent = strchr(text, 'e');
    if (exponent == NULL) {
        buf_printf(prose->out, "$%s$", text);
        return;
    }
    *exponent++ = '\0';
    if (strcmp(text, "1") == 0) {
        buf_printf(prose->out, "$10^{%s}$", exponent);
    } else {
        buf_printf(prose->out, "$%s \\times 10^{%s}$", text, exponent);
    }
}

void prose_cite(struct prose *prose, const char *key)
{
    size_t i = 0;

    while (i < prose->n_cited && strcmp(prose->cited[i], key) != 0) {
        i++;
    }
    if (i == prose->n_cited && i < sizeof prose->cited / sizeof prose->cited[0]) {
        prose->cited[prose->n_cited++] = key;
    }
    buf_printf(prose->out, prose->is_latex ? "~\\cite{%s}" : " [%s]", key);
}
