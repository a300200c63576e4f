#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

/* The text between the quotes at *at, which is left behind them; false: it is none. */
static bool read_word(const char **at, struct buf *word)
{
    const char *in = *at + 1;

    for (; *in != '"' && *in != '\0' && *in != '\n'; in++) {
        char digits[3] = "";
        if (*in != '\\') {
            buf_putc(word, *in);
        } else if (in[1] == 'x' && in[2] != '\0' && in[3] != '\0') {
            memcpy(digits, in + 2, 2);
            buf_putc(word, (char)strtoul(digits, NULL, 16));
            in += 3;
        } else {
            buf_putc(word, *++in);
        }
    }
    *at = in + 1;
    return *in == '"' && word->len > 0;
}

void words_load(const char *path, struct words *words)
{
    OWN(memory) char *line = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");

    words->n = 0;
    if (file == NULL) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    while (getline(&line, &size, file) >= 0) {
        const char *at = strchr(line, '"');
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        MUST(words->n < MUTATE_WORDS_MAX);
        struct buf *word = &words->items[words->n++];
        buf_init(word, MUTATE_BYTES_MAX);
        if (at == NULL || !read_word(&at, word) || *at != '\n') {
            (void)fprintf(stderr, "%s: this is no word: %s", path, line);
            exit(2);
        }
    }
    (void)fclose(file);
}

void words_finish(struct words *words)
{
    while (words->n > 0) {
        buf_finish(&words->items[--words->n]);
    }
}
