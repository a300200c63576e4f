/* Joins a target to libFuzzer (clang, -fsanitize=fuzzer), which knows bytes and the dictionary of
 * -dict=FILE: half of the mutants are made here instead, with the values and the lines of an
 * input. */
#include <string.h>

#include "common/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static struct words words;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    for (int i = 1; i < *argc; i++) {
        if (strncmp((*argv)[i], "-dict=", 6) == 0) {
            words_load((*argv)[i] + 6, &words);
        }
    }
    json_start();
    fuzz_start();
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
    struct rng rng = rng_for(UINT64_C(0x656e67), seed);
    OWN(buf) struct buf text = {0};

    if (fuzz_mutate != NULL && rng_below(&rng, 2) == 0) {
        return fuzz_mutate(data, size, max, &rng);
    }
    if (rng_below(&rng, 2) == 0) {
        return LLVMFuzzerMutate(data, size, max);
    }
    buf_init(&text, MUTATE_BYTES_MAX);
    buf_append(&text, (const char *)data, size);
    for (uint64_t times = 1 + rng_below(&rng, 3); times > 0; times--) {
        if (rng_below(&rng, 3) == 0 || !mutate_json(&text, &words, &rng)) {
            mutate_text(&text, &words, &text, &rng);
        }
    }
    size_t len = text.len < max ? text.len : max;
    memcpy(data, buf_text(&text), len);
    return len;
}
