#include "worker/cli/help_stream.h"

#include <stdbool.h>
#include <sys/types.h>

static size_t blanks;  /* at the beginning of the line; not written yet */
static bool is_inside; /* behind the first character that is none */

static void put(char c)
{
    if (c == ' ' && !is_inside) {
        blanks++;
        return;
    }
    if (c == '\n' && !is_inside && blanks > 0) {
        blanks = 0; /* of the whole line nothing is written */
        return;
    }
    for (; blanks > 0; blanks--) {
        (void)putc_unlocked(' ', stdout);
    }
    (void)putc_unlocked(c, stdout);
    is_inside = c != '\n';
}

static ssize_t write_lines(void *cookie, const char *text, size_t len)
{
    (void)cookie;
    for (size_t i = 0; i < len; i++) {
        put(text[i]);
    }
    return (ssize_t)len;
}

void help_stream_take(FILE **out)
{
    static FILE *stream;
    const cookie_io_functions_t functions = {.write = write_lines};

    if (stream == NULL) {
        stream = fopencookie(NULL, "w", functions);
        if (stream != NULL) {
            (void)setvbuf(stream, NULL, _IONBF, 0); /* stdout is buffered, and checked at the end */
        }
    }
    if (stream != NULL) {
        *out = stream;
    }
}
