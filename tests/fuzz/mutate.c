#include "tests/fuzz/mutate.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

#define REPEATS_MAX 500

static size_t below(struct rng *rng, size_t n)
{
    return n == 0 ? 0 : (size_t)rng_below(rng, n);
}

/* Puts bytes in the place of a part. */
static void replace(struct buf *text, size_t at, size_t len, const char *bytes, size_t n)
{
    OWN(buf) struct buf rest;

    buf_init(&rest, MUTATE_BYTES_MAX);
    buf_append(&rest, buf_text(text) + at + len, text->len - at - len);
    text->len = at;
    if (at + n + rest.len < MUTATE_BYTES_MAX) {
        buf_append(text, bytes, n);
    }
    buf_append(text, buf_text(&rest), rest.len);
}

static const struct buf *any_word(const struct words *words, struct rng *rng)
{
    static char space[] = " ";
    static const struct buf blank = {.data = space, .len = 1};

    return words->n == 0 ? &blank : &words->items[below(rng, words->n)];
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("_.-+", c) != NULL);
}

/* The word at or before a place becomes one of the dictionary. */
static void change_word(struct buf *text, const struct words *words, struct rng *rng)
{
    size_t end = below(rng, text->len);
    const struct buf *word = any_word(words, rng);

    while (end < text->len && is_word(text->data[end])) {
        end++;
    }
    size_t from = end;
    while (from > 0 && is_word(text->data[from - 1])) {
        from--;
    }
    replace(text, from, end - from, word->data, word->len);
}

static size_t line_begin(const struct buf *text, size_t at)
{
    while (at > 0 && text->data[at - 1] != '\n') {
        at--;
    }
    return at;
}

/* Takes a line out, or puts it somewhere else as well. */
static void move_line(struct buf *text, struct rng *rng)
{
    size_t from = line_begin(text, below(rng, text->len));
    const char *end = memchr(text->data + from, '\n', text->len - from);
    size_t len = end == NULL ? text->len - from : (size_t)(end + 1 - (text->data + from));

    if (below(rng, 2) == 0) {
        replace(text, from, len, "", 0);
        return;
    }
    OWN(buf) struct buf line;
    buf_init(&line, MUTATE_BYTES_MAX);
    buf_append(&line, text->data + from, len);
    replace(text, line_begin(text, below(rng, text->len)), 0, buf_text(&line), line.len);
}

static void repeat_word(struct buf *text, const struct words *words, struct rng *rng)
{
    const struct buf *word = any_word(words, rng);
    OWN(buf) struct buf many;

    buf_init(&many, MUTATE_BYTES_MAX);
    for (size_t n = below(rng, REPEATS_MAX); n > 0; n--) {
        buf_append(&many, word->data, word->len);
    }
    replace(text, below(rng, text->len + 1), 0, buf_text(&many), many.len);
}

static void splice(struct buf *text, const struct buf *other, struct rng *rng)
{
    size_t from = below(rng, other->len);
    size_t len = below(rng, other->len - from + 1);
    OWN(buf) struct buf part; /* of the text itself, perhaps */

    buf_init(&part, MUTATE_BYTES_MAX);
    buf_append(&part, buf_text(other) + from, len);
    replace(text, below(rng, text->len + 1), 0, buf_text(&part), len);
}

void mutate_text(struct buf *text, const struct words *words, const struct buf *other,
                 struct rng *rng)
{
    size_t at = below(rng, text->len);
    char c = (char)below(rng, 256);

    if (text->len == 0) {
        const struct buf *word = any_word(words, rng);
        replace(text, 0, 0, word->data, word->len);
        return;
    }
    switch (below(rng, 12)) {
    case 0:
        text->data[at] = c;
        break;
    case 1:
        replace(text, at, 0, &c, 1);
        break;
    case 2:
        text->len = at + 1;
        break;
    case 3:
        replace(text, at, 1 + below(rng, text->len - at), "", 0);
        break;
    case 4:
        move_line(text, rng);
        break;
    case 5:
        repeat_word(text, words, rng);
        break;
    case 6:
        splice(text, other, rng);
        break;
    case 7:
    case 8:
        change_word(text, words, rng);
        break;
    default: {
        const struct buf *word = any_word(words, rng);
        replace(text, below(rng, 2) == 0 ? at : line_begin(text, at), 0, word->data, word->len);
    }
    }
}
