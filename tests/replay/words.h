/* The text of scenarios (replay.c): lines, words, moments, and whether an answer holds what was
 * expected. */
#ifndef TESTS_REPLAY_WORDS_H
#define TESTS_REPLAY_WORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"

struct words {
    char *at;
};

void words_init(struct words *words, char *line);
char *words_next(struct words *words);                  /* NULL: no more; cuts the line */
bool words_skip(struct words *words, const char *word); /* if it is the next one */
char *words_rest(struct words *words);                  /* all that is left */
char *words_trim(char *text);
/* "1.5s", "2m", "1h". */
bool words_moment(const char *word, int64_t *at_ms);
/* A number, "NaN", "Infinity", an object, or a text. */
json_t *words_value(const char *text);
/* Is `part` in `whole`, at borders of words? "" always is. */
bool words_contain(const char *whole, const char *part);
/* "lease-ended" */
const char *words_error(enum err_code code);

struct words_file {
    FILE *file;
    char *pending; /* the first physical line of the next logical one */
    size_t number, pending_number;
};
bool words_open(struct words_file *file, const char *path);
void words_close(struct words_file *file);
/* The next line that is neither blank nor a comment, continuation lines joined; free() it. */
bool words_line(struct words_file *file, char **line, size_t *number);

#endif
