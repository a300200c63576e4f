/* Changes of an input that keep most of its form: words of a dictionary, lines, and values of the
 * JSON that stands in it. One thread. */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/rng.h"

#define MUTATE_WORDS_MAX 512
#define MUTATE_BYTES_MAX ((size_t)1 << 20) /* of an input */

/* A dictionary in the form of libFuzzer and AFL: a line is "text" or name="text", with \\, \" and
 * \xNN in it. Words that are JSON also serve as values, those that are JSON strings as names. */
struct words {
    struct buf items[MUTATE_WORDS_MAX];
    size_t n;
};
/* Ends the process where the file cannot be read or a line is none. */
void words_load(const char *path, struct words *words);
void words_finish(struct words *words);

/* One change of the text; `other` is another input, of which a part may come in. */
void mutate_text(struct buf *text, const struct words *words, const struct buf *other,
                 struct rng *rng);
/* One change of a JSON object or array that stands anywhere in the text; false: there is none. */
bool mutate_json(struct buf *text, const struct words *words, struct rng *rng);

#endif
