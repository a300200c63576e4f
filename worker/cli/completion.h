/* What may stand for the last word of a command line: verbs, options, the words that an option
 * takes. The scripts of deploy/completion ask `hone help --complete`, so that a shell offers what
 * the table of verbs has, and nothing else. Pure. */
#ifndef WORKER_CLI_COMPLETION_H
#define WORKER_CLI_COMPLETION_H

#include <stdbool.h>

#include "common/buf.h"

/* Appends a line for each: the word, a tab, what it is for. `words` are those behind "hone"; the
 * last is the one to complete, and may be "". An option that takes a value ends with '='. Nothing
 * where the shell knows better: a file, the command of a job. *wants_study: the name of a study is
 * wanted, which only its server knows. */
void completion_append(int n_words, char *const words[], struct buf *out, bool *wants_study);

#endif
