#include <stdio.h>
#include <string.h>

#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

static void print_summary(const struct verb *verb)
{
    char words[VERB_WORDS_BYTES];

    (void)printf("  %-16s %s\n", verb_words(verb, words), verb->summary);
}

static void list_verbs(void)
{
    (void)printf("Usage: hone VERB [OPTION...] [ARGUMENT...]\n"
                 "Tunes hyperparameters with the server at HONE_URL.\n\n");
    for (size_t i = 0; i < n_verbs; i++) {
        print_summary(&verbs[i]);
    }
    (void)printf("\n'hone VERB --help' tells a verb's options, 'man hone' the rest.\n"
                 "\n"
                 "  HONE_URL         the server, such as http://tuner:4663\n"
                 "  HONE_TOKEN_FILE  a file that holds the token and nothing else\n");
}

static void list_group(const char *group)
{
    (void)printf("Usage: hone %s VERB [OPTION...] [ARGUMENT...]\n\n", group);
    for (size_t i = 0; i < n_verbs; i++) {
        if (verb_is_in_group(&verbs[i], group)) {
            print_summary(&verbs[i]);
        }
    }
    (void)printf("\n'hone %s VERB --help' tells a verb's options, 'man hone-%s' the rest.\n", group,
                 group);
}

static void list_words(void)
{
    for (size_t i = 0; i < n_verbs; i++) {
        char words[VERB_WORDS_BYTES];
        (void)printf("%s\n", verb_words(&verbs[i], words));
    }
}

int verb_help(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--names") == 0) {
        list_words();
        return EXIT_STATUS_OK;
    }
    if (argc == 2 && verb_is_group(argv[1])) {
        list_group(argv[1]);
        return EXIT_STATUS_OK;
    }
    if (argc > 1 && argv[1][0] != '-') {
        const struct verb *verb;
        int n_words;
        struct err err = {0};
        char words[VERB_WORDS_BYTES];
        char program[VERB_WORDS_BYTES + 8];
        char help[] = "--help";

        if (verb_find(argc - 1, argv + 1, &verb, &n_words, &err) != 0) {
            (void)exit_with(&err);
            return EXIT_STATUS_USAGE;
        }
        if (verb->run != verb_help) {
            (void)snprintf(program, sizeof program, "hone %s", verb_words(verb, words));
            char *arguments[] = {program, help, NULL};
            return verb->run(2, arguments);
        }
    }
    list_verbs();
    return EXIT_STATUS_OK;
}

int verb_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)printf("hone %s\n", HONE_VERSION);
    return EXIT_STATUS_OK;
}
