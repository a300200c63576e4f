#include "worker/agent/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/buf.h"

#define WORD_BYTES ((size_t)128 * 1024) /* what Linux takes as one argument */

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
    return array_reserve(&words->items, words->n + 1, &words->cap, sizeof(char *), NULL) == 0;
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

/* Copies one word from *at on, without its quotes; false: a quote stays open. */
static bool take_word(const char **at, struct buf *word)
{
    char quote = '\0';

    for (; **at != '\0' && (quote != '\0' || strchr(" \t\n", **at) == NULL); (*at)++) {
        if (quote == '\0' && (**at == '\'' || **at == '"')) {
            quote = **at;
        } else if (**at == quote) {
            quote = '\0';
        } else if (**at == '\\' && quote != '\'' && (*at)[1] != '\0') {
            buf_putc(word, *++*at);
        } else {
            buf_putc(word, **at);
        }
    }
    return quote == '\0';
}

int words_split(struct words *words, const char *line, struct err *err)
{
    const char *at = line + strspn(line, " \t\n");

    while (*at != '\0') {
        OWN(buf) struct buf word;
        buf_init(&word, WORD_BYTES);
        if (!take_word(&at, &word)) {
            return err_set(err, ERR_INVALID, "a quote stays open in: %.200s", line);
        }
        TRY(buf_check(&word, err));
        words_add(words, buf_text(&word));
        at += strspn(at, " \t\n");
    }
    return words_check(words, err);
}

int words_check(const struct words *words, struct err *err)
{
    return words->failed ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}
