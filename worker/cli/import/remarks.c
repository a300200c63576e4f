#include "worker/cli/import/remarks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "worker/cli/text.h"

enum { SENTENCE_BYTES = 1024 };

void remarks_finish(struct remarks *remarks)
{
    json_decref(remarks->items);
    remarks->items = NULL;
}

/* A format may hold what a file says: bytes that are no UTF-8 do not come this far. */
static void write_sentence(char text[SENTENCE_BYTES], const char *fmt, va_list args)
{
    struct err err;

    OWN(memory) char *whole = NULL;
    if (vasprintf(&whole, fmt, args) < 0) {
        whole = NULL;
    }
    (void)err_set(&err, ERR_NONE, "%s", whole == NULL ? "out of memory" : whole);
    (void)snprintf(text, SENTENCE_BYTES, "%s", err.text);
}

void remark_at(struct remarks *remarks, size_t line, const char *fmt, ...)
{
    char text[SENTENCE_BYTES];
    va_list args;

    va_start(args, fmt);
    write_sentence(text, fmt, args);
    va_end(args);
    if (remarks->items == NULL) {
        remarks->items = json_array();
    }
    (void)json_array_append_new(remarks->items, json_pack("[i, I, s, s]", remarks->part,
                                                          (json_int_t)line, remarks->file, text));
}

/* The file, the line, and then as they were made. */
static int by_place(const void *a, const void *b)
{
    static const size_t order[] = {0, 1, 4};
    const json_t *const *left = a;
    const json_t *const *right = b;

    for (size_t k = 0; k < 3; k++) {
        json_int_t x = json_integer_value(json_array_get(*left, order[k]));
        json_int_t y = json_integer_value(json_array_get(*right, order[k]));
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return 0;
}

static void print_one(const json_t *item)
{
    OWN(buf) struct buf text = {0};
    json_int_t line = json_integer_value(json_array_get(item, 1));

    buf_init(&text, (size_t)8 * SENTENCE_BYTES);
    buf_printf(&text, "%.1024s:", json_string_value(json_array_get(item, 2)));
    if (line > 0) {
        buf_printf(&text, "%lld:", (long long)line);
    }
    buf_printf(&text, " %s", json_string_value(json_array_get(item, 3)));
    text_print(stderr, buf_text(&text));
}

void remarks_begin_file(struct remarks *remarks, const char *file)
{
    remarks->file = file;
    remarks->part++;
}

void remarks_print(const struct remarks *remarks)
{
    size_t n = json_array_size(remarks->items);
    OWN(memory) json_t **sorted = calloc(n + 1, sizeof(json_t *));

    if (sorted == NULL) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = json_array_get(remarks->items, i);
        (void)json_array_append_new(sorted[i], json_integer((json_int_t)i));
    }
    qsort(sorted, n, sizeof(json_t *), by_place);
    for (size_t i = 0; i < n; i++) {
        print_one(sorted[i]);
    }
}

int refuse_at(const struct remarks *remarks, size_t line, struct err *err, const char *fmt, ...)
{
    char text[SENTENCE_BYTES];
    char place[32] = "";
    va_list args;

    va_start(args, fmt);
    write_sentence(text, fmt, args);
    va_end(args);
    if (line > 0) {
        (void)snprintf(place, sizeof place, "%zu:", line);
    }
    return err_set(err, ERR_INVALID, "%.120s:%s %s", remarks->file, place, text);
}
