#include "worker/cli/show/picture.h"

#include <string.h>

#include "common/cell.h"
#include "common/wrap.h"

enum { LINE_BYTES = 1 << 16 };

void picture_lines(struct picture *picture, const char *text, const char *sequence)
{
    while (*text != '\0' && picture->rows_left > 0) {
        size_t len = strcspn(text, "\n");
        bool colored = picture->color && sequence != NULL && len > 0;
        buf_printf(picture->out, "%s%s%s%.*s%s\n", colored ? "\033[" : "", colored ? sequence : "",
                   colored ? "m" : "", (int)len, text, colored ? "\033[0m" : "");
        text += len + (text[len] == '\n');
        picture->rows_left--;
    }
}

void picture_line(struct picture *picture, const struct buf *line, const char *sequence)
{
    OWN(buf) struct buf clean = {0};
    OWN(buf) struct buf fitted = {0};

    buf_init(&clean, LINE_BYTES);
    buf_init(&fitted, LINE_BYTES);
    cell_append_clean(&clean, buf_text(line));
    if (cell_columns(buf_text(&clean)) > picture->width) {
        cell_append_fitted(&fitted, buf_text(&clean), picture->width, false);
    } else {
        buf_puts(&fitted, buf_text(&clean));
    }
    picture_lines(picture, buf_text(&fitted), sequence);
}

void picture_wrapped(struct picture *picture, const char *text, size_t indent, const char *sequence)
{
    OWN(buf) struct buf lines = {0};

    buf_init(&lines, 2 * LINE_BYTES);
    wrap_append(&lines, text, picture->width, indent);
    picture_lines(picture, buf_text(&lines), sequence);
}
