/* hone: the worker's agent on every node, and the command line for people. Finds the verb in the
 * table and runs it. */
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/log.h"
#include "common/standard_streams.h"
#include "worker/cli/options.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

/* Data that could not be written (a full disk behind `>`) must not look like success. */
static int flush(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("hone: cannot write the output");
        return status == EXIT_STATUS_OK ? EXIT_STATUS_FAILED : status;
    }
    return status;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "-?") == 0;
}

/* Options in front of the verb: `hone --server URL study list`. */
static int count_leading(int argc, char *const argv[])
{
    int n = 0;

    for (int more; (more = options_leading(argc - n, argv + n)) > 0;) {
        n += more;
    }
    return n;
}

/* Moves the first `n` words behind the `by` that follow them. */
static void move_behind(char **words, int n, int by)
{
    for (int i = 0; i < by; i++) {
        char *word = words[n + i];
        memmove(words + i + 1, words + i, (size_t)n * sizeof *words);
        words[i] = word;
    }
}

int main(int argc, char **argv)
{
    const struct verb *verb;
    int n_words, n_leading;
    struct err err = {0};
    char words[VERB_WORDS_BYTES];
    char program[VERB_WORDS_BYTES + 8];

    if (standard_streams_hold() != 0) {
        perror("hone: cannot open /dev/null in place of stdin, stdout or stderr, which is closed");
        return EXIT_STATUS_FAILED;
    }
    (void)setlocale(LC_CTYPE, ""); /* numbers stay in C: they are data */
    log_start("hone", LOG_LEVEL_INFO);
    json_start();
    if (argc < 2) {
        (void)verb_help(argc, argv);
        return flush(EXIT_STATUS_USAGE); /* nothing was done */
    }
    n_leading = count_leading(argc - 1, argv + 1);
    if (asks_for_help(argv[1])) {
        return flush(verb_help(1, argv));
    }
    if (argc > 2 && verb_is_group(argv[1]) && asks_for_help(argv[2])) {
        return flush(verb_help(2, argv)); /* of the group, whatever follows */
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        return flush(verb_version(1, argv));
    }
    if (verb_find(argc - 1 - n_leading, argv + 1 + n_leading, &verb, &n_words, &err) != 0) {
        (void)exit_with(&err);
        return EXIT_STATUS_USAGE;
    }
    move_behind(argv + 1, n_leading, n_words);
    (void)snprintf(program, sizeof program, "hone %s", verb_words(verb, words));
    argv[n_words] = program;
    return flush(verb->run(argc - n_words, argv + n_words));
}
