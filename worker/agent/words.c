#include "worker/agent/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void words_finish(struct words *words)
{
    for (size_t i = 0; i < words->n; i++) {
        free(words->items[i]);
    }
    free(words->items);
    *words = (struct words){0};
}

static bool reserve(struct words *words)
{
    if (words->n + 2 <= words->cap) {
        return true;
    }
    size_t cap = words->cap == 0 ? 16 : 2 * words->cap;
    char **items = realloc(words->items, cap * sizeof *items);
    if (items == NULL) {
        return false;
    }
    words->items = items;
    words->cap = cap;
    return true;
}

void words_add_steal(struct words *words, char *text)
{
    if (text == NULL || !reserve(words)) {
        words->failed = true;
        free(text);
        return;
    }
    words->items[words->n++] = text;
    words->items[words->n] = NULL;
}

void words_add(struct words *words, const char *text)
{
    words_add_steal(words, strdup(text));
}

void words_printf(struct words *words, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    words_add_steal(words, len < 0 ? NULL : text);
}

void words_drop_last(struct words *words)
{
    if (words->n > 0) {
        free(words->items[--words->n]);
        words->items[words->n] = NULL;
    }
}

int words_check(const struct words *words, struct err *err)
{
    return words->failed ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}
