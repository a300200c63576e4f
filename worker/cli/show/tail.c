#include "worker/cli/show/tail.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cell.h"
#include "common/own.h"
#include "worker/cli/text.h"

enum { TAIL_BYTES = 8 << 10, LINE_COLUMNS = 200 };

/* Where the last n lines of the text begin. */
static const char *last_lines(const char *text, size_t len, size_t n)
{
    size_t at = len;

    while (at > 0 && text[at - 1] == '\n') { /* the end of the last line is none of the n */
        at--;
    }
    for (; at > 0; at--) {
        if (text[at - 1] == '\n' && --n == 0) {
            break;
        }
    }
    return text + at;
}

static void append_line(struct buf *out, const char *line, size_t len, const char *prefix)
{
    OWN(buf) struct buf clean = {0};

    buf_init(&clean, (size_t)4 * TAIL_BYTES);
    cell_append_clean_n(&clean, line, len);
    size_t width = cell_columns(buf_text(&clean));
    buf_puts(out, prefix);
    cell_append_fitted(out, buf_text(&clean), width > LINE_COLUMNS ? LINE_COLUMNS : width, false);
    buf_putc(out, '\n');
}

void tail_append(struct buf *out, const char *path, size_t n_lines, const char *prefix)
{
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[TAIL_BYTES];
    struct stat facts;

    if (fd < 0 || fstat(fd, &facts) != 0) {
        return;
    }
    off_t from = facts.st_size > (off_t)sizeof text ? facts.st_size - (off_t)sizeof text : 0;
    ssize_t len = pread(fd, text, sizeof text, from);
    if (len <= 0) {
        return;
    }
    const char *end = text + len;
    for (const char *line = last_lines(text, (size_t)len, n_lines); line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t line_len = stop == NULL ? (size_t)(end - line) : (size_t)(stop - line);
        if (line_len > 0) {
            append_line(out, line, line_len, prefix);
        }
        line += line_len + 1;
    }
}
