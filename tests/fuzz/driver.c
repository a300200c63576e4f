/* Stands in for libFuzzer: gives every file of some folders to the target, then mutants of them,
 * always the same ones. With -v each mutant is written to stderr before it runs, so that the last
 * one is the one that broke something. */
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

#define CORPUS_MAX 4096

static struct buf corpus[CORPUS_MAX];
static size_t n_corpus;
static struct words words;
static uint64_t rounds;
static uint64_t first_round;
static bool is_verbose;

static void load(const char *path)
{
    char chunk[4096];
    size_t got;
    FILE *file = fopen(path, "rbe");

    if (file == NULL || n_corpus == CORPUS_MAX) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    struct buf *text = &corpus[n_corpus++];
    buf_init(text, MUTATE_BYTES_MAX);
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buf_append(text, chunk, got);
    }
    (void)fclose(file);
}

static void load_all(const char *folder)
{
    struct dirent **names;
    int n = scandir(folder, &names, NULL, alphasort);

    if (n < 0) { /* a single file */
        load(folder);
        return;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            load(path);
        }
        free(names[i]);
    }
    free(names);
}

/* What is read beyond the end of an input is found: its memory has no byte more. */
static void run_one(const struct buf *text)
{
    OWN(memory) uint8_t *bytes = malloc(text->len > 0 ? text->len : 1);

    MUST(bytes != NULL);
    memcpy(bytes, buf_text(text), text->len);
    (void)LLVMFuzzerTestOneInput(bytes, text->len);
}

static void mutate_own(struct buf *text, struct rng *rng)
{
    size_t max = text->len + 4096;
    OWN(memory) uint8_t *bytes = malloc(max);

    MUST(bytes != NULL);
    memcpy(bytes, buf_text(text), text->len);
    size_t size = fuzz_mutate(bytes, text->len, max, rng);
    text->len = 0;
    buf_append(text, (const char *)bytes, size);
}

static void run_mutant(uint64_t round)
{
    struct rng rng = rng_for(UINT64_C(0x66757a7a), round);
    const struct buf *parent = &corpus[rng_below(&rng, n_corpus)];
    OWN(buf) struct buf text;

    buf_init(&text, MUTATE_BYTES_MAX);
    buf_append(&text, buf_text(parent), parent->len);
    for (uint64_t times = 1 + rng_below(&rng, 4); times > 0; times--) {
        if (fuzz_mutate != NULL && rng_below(&rng, 2) == 0) {
            mutate_own(&text, &rng);
        } else if (rng_below(&rng, 2) == 0 || !mutate_json(&text, &words, &rng)) {
            mutate_text(&text, &words, &corpus[rng_below(&rng, n_corpus)], &rng);
        }
    }
    if (is_verbose) {
        (void)fprintf(stderr, "\n%llu: ", (unsigned long long)round);
        (void)fwrite(buf_text(&text), 1, text.len, stderr);
    }
    run_one(&text);
}

static int read_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "d:n:f:v")) != -1) {
        switch (option) {
        case 'd':
            words_load(optarg, &words);
            break;
        case 'n':
            rounds = strtoull(optarg, NULL, 10);
            break;
        case 'f':
            first_round = strtoull(optarg, NULL, 10);
            break;
        case 'v':
            is_verbose = true;
            break;
        default:
            return -1;
        }
    }
    return optind < argc ? 0 : -1;
}

int main(int argc, char **argv)
{
    if (read_options(argc, argv) != 0) {
        (void)fprintf(stderr,
                      "usage: %s [-d DICTIONARY] [-n MUTANTS] [-f FIRST] [-v] FOLDER-OR-FILE…\n",
                      argv[0]);
        return 2;
    }
    json_start();
    for (int i = optind; i < argc; i++) {
        load_all(argv[i]);
    }
    fuzz_start();
    for (size_t i = 0; i < n_corpus; i++) {
        run_one(&corpus[i]);
    }
    for (uint64_t round = first_round; round < first_round + rounds && n_corpus > 0; round++) {
        run_mutant(round);
    }
    (void)printf("%zu inputs, %llu mutants\n", n_corpus, (unsigned long long)rounds);
    for (size_t i = 0; i < n_corpus; i++) {
        buf_finish(&corpus[i]);
    }
    words_finish(&words);
    return 0;
}
