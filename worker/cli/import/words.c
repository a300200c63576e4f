#include "worker/cli/import/words.h"

#include <string.h>

#include "common/json.h"
#include "common/shell.h"

enum { WORD_BYTES = 1 << 16 };

void word_begin(struct word *word)
{
    buf_init(&word->text, WORD_BYTES);
    buf_init(&word->part, WORD_BYTES);
}

void word_literal(struct word *word, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '{' || text[i] == '}') {
            buf_putc(&word->part, text[i]);
        }
        buf_putc(&word->part, text[i]);
    }
}

/* A name with a brace, a quote or a backslash must be a text of JSON (worker/agent/expand.h). */
void word_parameter(struct word *word, const char *name)
{
    if (strpbrk(name, "{}\"\\") == NULL) {
        buf_printf(&word->part, "{%s}", name);
        return;
    }
    struct json_writer writer;
    buf_putc(&word->part, '{');
    json_writer_init(&writer, &word->part);
    json_write_string(&writer, name);
    buf_putc(&word->part, '}');
}

void word_template(struct word *word, const char *text)
{
    buf_puts(&word->part, text);
}

static void close_part(struct word *word)
{
    if (word->part.len > 0) {
        shell_quote(&word->text, buf_text(&word->part));
        buf_clear(&word->part);
    }
}

void word_variable(struct word *word, const char *name, size_t len)
{
    close_part(word);
    buf_printf(&word->text, "\"${%.*s-%.*s}\"", (int)len, name, (int)len, name);
}

void word_end(struct word *word, struct buf *words)
{
    if (word->text.len == 0) { /* no variable: as few quotes as it needs */
        shell_append_word(words, buf_text(&word->part));
    } else {
        close_part(word);
        buf_printf(words, "%s%s", words->len > 0 ? " " : "", buf_text(&word->text));
    }
    buf_check_part(words, &word->text);
    buf_check_part(words, &word->part);
    buf_finish(&word->text);
    buf_finish(&word->part);
}

void words_add(struct buf *words, const char *literal)
{
    struct word word;

    word_begin(&word);
    word_literal(&word, literal, strlen(literal));
    word_end(&word, words);
}

void words_add_template(struct buf *words, const char *text)
{
    shell_append_word(words, text);
}
