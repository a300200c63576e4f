#include "common/shell.h"

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

void shell_export(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "export %s=", name);
    shell_quote(out, value);
    buf_putc(out, '\n');
}
