#include "worker/agent/argv_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/buf.h"

#define WORD_BYTES ((size_t)128 * 1024) /* what Linux takes as one argument */

void argv_list_finish(struct argv_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct argv_list){0};
}

static bool reserve(struct argv_list *list)
{
    return array_reserve(&list->items, list->n + 1, &list->cap, sizeof(char *), NULL) == 0;
}

void argv_list_add_steal(struct argv_list *list, char *text)
{
    if (text == NULL || !reserve(list)) {
        list->failed = true;
        free(text);
        return;
    }
    list->items[list->n++] = text;
    list->items[list->n] = NULL;
}

void argv_list_add(struct argv_list *list, const char *text)
{
    argv_list_add_steal(list, strdup(text));
}

void argv_list_printf(struct argv_list *list, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    argv_list_add_steal(list, len < 0 ? NULL : text);
}

void argv_list_drop_last(struct argv_list *list)
{
    if (list->n > 0) {
        free(list->items[--list->n]);
        list->items[list->n] = NULL;
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

int argv_list_split(struct argv_list *list, const char *line, struct err *err)
{
    const char *at = line + strspn(line, " \t\n");

    while (*at != '\0') {
        OWN(buf) struct buf word;
        buf_init(&word, WORD_BYTES);
        if (!take_word(&at, &word)) {
            return err_set(err, ERR_INVALID, "a quote stays open in: %.200s", line);
        }
        TRY(buf_check(&word, err));
        argv_list_add(list, buf_text(&word));
        at += strspn(at, " \t\n");
    }
    return argv_list_check(list, err);
}

int argv_list_check(const struct argv_list *list, struct err *err)
{
    return list->failed ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}
