/* Stands in for libFuzzer: replay FOLDER [ROUNDS] gives every file of a corpus to the target, then
 * as many mutants of their JSON, always the same ones. With -v each mutant is printed before it
 * runs, so that the last line is the one that broke something. */
#include "tests/fuzz/replay.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/rng.h"

#define CORPUS_MAX 256
#define FILE_BYTES_MAX (1 << 20)

static struct buf corpus[CORPUS_MAX];
static size_t n_corpus;

static void load(const char *folder, const char *name)
{
    char path[4096];
    char chunk[4096];
    size_t got;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL || n_corpus == CORPUS_MAX) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    struct buf *text = &corpus[n_corpus++];
    buf_init(text, FILE_BYTES_MAX);
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buf_append(text, chunk, got);
    }
    (void)fclose(file);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_all(const char *folder)
{
    struct dirent **names;
    int n = scandir(folder, &names, NULL, by_name);

    if (n < 0) {
        (void)fprintf(stderr, "cannot list %s\n", folder);
        exit(2);
    }
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            load(folder, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
}

/* Values that have broken programs before. */
static json_t *odd_value(struct rng *rng)
{
    static const char *const odd[] = {"0",
                                      "-0.0",
                                      "1",
                                      "-1",
                                      "0.1",
                                      "2",
                                      "3",
                                      "7",
                                      "1e308",
                                      "-1e308",
                                      "5e-324",
                                      "1e-17",
                                      "9007199254740992",
                                      "-9007199254740992",
                                      "9007199254740993",
                                      "9223372036854775807",
                                      "null",
                                      "true",
                                      "false",
                                      "[]",
                                      "{}",
                                      "\"\"",
                                      "\"x\"",
                                      "\"log\"",
                                      "\"int\"",
                                      "\"float\"",
                                      "\"normal\"",
                                      "\"lognormal\"",
                                      "\"categorical\"",
                                      "[1,2,3]",
                                      "[true]",
                                      "[\"a\",\"b\"]",
                                      "\"x < 1\"",
                                      "\"`a.b` / 0 >= min(1, 2)\"",
                                      "1000000",
                                      "0.30000000000000004"};

    return json_loads(odd[rng_below(rng, sizeof odd / sizeof odd[0])], JSON_DECODE_ANY, NULL);
}

static void mutate(json_t *value, struct rng *rng);

static void mutate_array(json_t *array, struct rng *rng)
{
    size_t n = json_array_size(array);
    size_t at = n > 0 ? (size_t)rng_below(rng, n) : 0;
    uint64_t how = rng_below(rng, 8);

    if (n == 0 || how == 0) {
        (void)json_array_append_new(array, odd_value(rng));
    } else if (how == 1) {
        (void)json_array_remove(array, at);
    } else if (how == 2) {
        (void)json_array_set_new(array, at, odd_value(rng));
    } else if (how == 3) {
        (void)json_array_append_new(array, json_deep_copy(json_array_get(array, at)));
    } else {
        mutate(json_array_get(array, at), rng);
    }
}

static void mutate_object(json_t *object, struct rng *rng)
{
    static const char *const names[] = {"low",    "high",    "step", "grid",        "default",
                                        "scale",  "when",    "mean", "sd",          "value",
                                        "values", "choices", "type", "distribution"};
    size_t n = json_object_size(object);
    const char *key = names[rng_below(rng, sizeof names / sizeof names[0])];
    uint64_t how = rng_below(rng, 8);

    if (n > 0 && how > 0) {
        void *at = json_object_iter(object);
        for (uint64_t skip = rng_below(rng, n); skip > 0; skip--) {
            at = json_object_iter_next(object, at);
        }
        key = json_object_iter_key(at);
    }
    if (how > 2 && json_object_get(object, key) != NULL
        && json_object_size(json_object_get(object, key))
                   + json_array_size(json_object_get(object, key))
               > 0) {
        mutate(json_object_get(object, key), rng);
    } else if (how == 1) {
        (void)json_object_del(object, key);
    } else {
        (void)json_object_set_new(object, key, odd_value(rng));
    }
}

static void mutate(json_t *value, struct rng *rng)
{
    if (json_is_array(value)) {
        mutate_array(value, rng);
    } else if (json_is_object(value)) {
        mutate_object(value, rng);
    }
}

static void run_mutant(uint64_t round, bool verbose)
{
    struct rng rng = rng_for(UINT64_C(0x68756e7a), round);
    const struct buf *parent = &corpus[rng_below(&rng, n_corpus)];
    json_auto_t *value = json_loadb(parent->data, parent->len, 0, NULL);

    for (uint64_t times = 1 + rng_below(&rng, 4); times > 0; times--) {
        mutate(value, &rng);
    }
    char *text = json_dumps(value, JSON_COMPACT);
    if (text != NULL) {
        if (verbose) {
            (void)printf("%llu %s\n", (unsigned long long)round, text);
            (void)fflush(stdout);
        }
        (void)LLVMFuzzerTestOneInput((const uint8_t *)text, strlen(text));
    }
    free(text);
}

int replay(int argc, char **argv)
{
    bool verbose = argc > 1 && strcmp(argv[argc - 1], "-v") == 0;
    unsigned long long rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

    if (argc < 2) {
        (void)fprintf(stderr, "usage: %s FOLDER [ROUNDS] [-v]\n", argv[0]);
        return 2;
    }
    load_all(argv[1]);
    for (size_t i = 0; i < n_corpus; i++) {
        (void)LLVMFuzzerTestOneInput((const uint8_t *)corpus[i].data, corpus[i].len);
    }
    for (uint64_t round = 0; round < rounds && n_corpus > 0; round++) {
        run_mutant(round, verbose);
    }
    for (size_t i = 0; i < n_corpus; i++) {
        buf_finish(&corpus[i]);
    }
    return 0;
}
