#include "server/report/section.h"

void section_begin(struct buf *out, const char *title, const char *note)
{
    buf_printf(out, "<section>\n<h2>%s</h2>\n", title);
    if (note != NULL && *note != '\0') {
        buf_printf(out, "<p class=\"note\">%s</p>\n", note);
    }
}

void section_end(struct buf *out)
{
    buf_puts(out, "</section>\n");
}
