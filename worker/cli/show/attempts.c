#include "worker/cli/show/attempts.h"

#include <inttypes.h>
#include <string.h>

#include "common/buf.h"
#include "worker/cli/session.h"
#include "worker/cli/text.h"

static void print_line(FILE *out, struct buf *text)
{
    text_print(out, buf_text(text));
    buf_clear(text);
}

static void append_title(struct buf *text, const json_t *note)
{
    const char *reason = text_at(note, "reason");
    const char *worker = text_at(note, "worker");

    buf_printf(text, "attempt %" PRId64 " %s", int_at(note, "attempt", 0), text_at(note, "state"));
    if (*reason != '\0') {
        buf_printf(text, " (%s)", reason);
    }
    if (*worker != '\0') {
        buf_printf(text, " on %s", worker);
    }
}

void attempt_print_note(FILE *out, const json_t *note, const char *text_key)
{
    OWN(buf) struct buf text = {0};
    const char *line = text_at(note, text_key);

    buf_init(&text, 1 << 16);
    append_title(&text, note);
    buf_puts(&text, *line == '\0' ? "" : ":");
    print_line(out, &text);
    while (*line != '\0') {
        size_t len = strcspn(line, "\n");
        buf_printf(&text, "  %.*s", (int)len, line);
        print_line(out, &text);
        line += len + (line[len] == '\n');
    }
}
