/* What a fuzz target consists of. It is called by libFuzzer (engine.c) in a campaign, and by
 * driver.c, which replays a corpus and some mutants of it, in the tests.
 *
 * A target keeps nothing from one input to the next that changes what the next one does, and ends
 * the process where something does not hold. Inputs come from one thread. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/rng.h"

#define MUST(claim)                                                                                \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #claim);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* strndup() of bytes that no zero byte ends, which AddressSanitizer refuses where it is strict; for
 * the caller to own. */
static inline char *fuzz_text(const char *bytes, size_t size)
{
    size_t len = strnlen(bytes, size);
    char *text = malloc(len + 1);

    if (text != NULL) {
        memcpy(text, bytes, len);
        text[len] = '\0';
    }
    return text;
}

/* The JSON of an answer, with integers of any size and zero bytes as the server takes them, for the
 * caller to own; NULL: it is none. */
static inline json_t *fuzz_json(const struct buf *text)
{
    json_t *value = NULL;
    struct err err;

    return json_parse_own(buf_text(text), &value, &err) == 0 ? value : NULL;
}

/* Once, before the first input. What is to be given back at the end is left to atexit(). */
void fuzz_start(void);
/* One input, of any bytes; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Changes an input in place, as random bytes cannot: a checksum is made right again. Returns its
 * new size, at most `max`. A target that has none of its own leaves it out. */
size_t fuzz_mutate(uint8_t *data, size_t size, size_t max, struct rng *rng) __attribute__((weak));

#endif
