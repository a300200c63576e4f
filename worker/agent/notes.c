#include "worker/agent/notes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/utf8.h"

#define LINE_BYTES 800

void notes_init(struct notes *notes, int64_t trial)
{
    *notes = (struct notes){.trial = trial};
    buf_init(&notes->text, NOTES_BYTES);
}

void notes_finish(struct notes *notes)
{
    buf_finish(&notes->text);
    *notes = (struct notes){0};
}

/* FNV-1a over both texts. */
static uint64_t key_of(const char *subject, const char *metric)
{
    uint64_t key = UINT64_C(0xcbf29ce484222325);
    const char *const texts[] = {subject, metric};

    for (size_t i = 0; i < 2; i++) {
        for (const char *at = texts[i]; *at != '\0'; at++) {
            key = (key ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
        }
        key = (key ^ '/') * UINT64_C(0x100000001b3);
    }
    return key;
}

/* Is it the first of its kind? */
static bool is_new(struct notes *notes, uint64_t key)
{
    for (size_t i = 0; i < notes->n; i++) {
        if (notes->told[i] == key) {
            return false;
        }
    }
    if (notes->n == NOTES_MAX) {
        return false;
    }
    notes->told[notes->n++] = key;
    return true;
}

/* Appends a whole line or none. */
static void keep(struct notes *notes, const char *line)
{
    if (notes->text.len + strlen(line) + 1 <= NOTES_BYTES) {
        buf_puts(&notes->text, line);
        buf_putc(&notes->text, '\n');
    }
}

void notes_tell(struct notes *notes, const char *subject, const char *metric, const char *fmt, ...)
{
    char line[LINE_BYTES];
    va_list args;

    if (!is_new(notes, key_of(subject, metric))) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    utf8_mend(line);
    line[utf8_clean(line, strlen(line))] = '\0';
    log_warning("trial %" PRId64 ": %s", notes->trial, line);
    keep(notes, line);
}

void notes_restore(struct notes *notes, const char *text)
{
    if (notes->text.len + strlen(text) <= NOTES_BYTES) {
        buf_puts(&notes->text, text);
    }
}

const char *notes_text(const struct notes *notes)
{
    return buf_text(&notes->text);
}
