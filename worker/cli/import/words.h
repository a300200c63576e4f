/* The command of an imported search, as words that a shell reads and whose placeholders
 * `hone worker` fills. */
#ifndef WORKER_CLI_IMPORT_WORDS_H
#define WORKER_CLI_IMPORT_WORDS_H

#include <stddef.h>

#include "common/buf.h"

/* A word as it comes, with what it needs quoted and its braces doubled. */
void words_add(struct buf *words, const char *literal);
/* A word that holds placeholders already: "{args}". */
void words_add_template(struct buf *words, const char *text);

/* ---- a word in pieces: begin, any of these, end ---- */
struct word {
    struct buf text; /* of a shell: several quoted parts in a row are one word */
    struct buf part; /* … the one that is not yet in it */
};

void word_begin(struct word *word);
void word_literal(struct word *word, const char *text, size_t len);
void word_parameter(struct word *word, const char *name); /* "{name}" */
void word_template(struct word *word, const char *text);
/* What the variable holds where the line is typed; its own name if it is not set, as W&B has it. */
void word_variable(struct word *word, const char *name, size_t len);
void word_end(struct word *word, struct buf *words);

#endif
