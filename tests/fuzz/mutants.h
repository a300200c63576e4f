/* What the fuzzers share: a claim that ends the process when it is broken, and a change of a text.
 */
#ifndef TESTS_FUZZ_MUTANTS_H
#define TESTS_FUZZ_MUTANTS_H

#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"

#define MUST(claim)                                                                                \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #claim);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline void mutant_insert(struct buf *text, size_t at, const char *bytes, size_t len)
{
    OWN(buf) struct buf rest;

    buf_init(&rest, 1 << 20);
    buf_append(&rest, buf_text(text) + at, text->len - at);
    text->len = at;
    buf_append(text, bytes, len);
    buf_append(text, buf_text(&rest), rest.len);
}

#endif
