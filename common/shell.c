#include "common/shell.h"

#include <string.h>

void shell_quote(struct buf *out, const char *text)
{
    buf_putc(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            buf_puts(out, "'\\''");
        } else {
            buf_putc(out, *text);
        }
    }
    buf_putc(out, '\'');
}

void shell_append_word(struct buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./:,@%";

    if (out->len > 0 && out->data[out->len - 1] != ' ') {
        buf_putc(out, ' ');
    }
    if (*text != '\0' && strspn(text, plain) == strlen(text)) {
        buf_puts(out, text);
    } else {
        shell_quote(out, text);
    }
}

void shell_export(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "export %s=", name);
    shell_quote(out, value);
    buf_putc(out, '\n');
}
