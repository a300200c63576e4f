#include <stdio.h>
#include <string.h>

#include "common/own.h"
#include "worker/cli/completion.h"
#include "worker/cli/dump.h"
#include "worker/cli/options.h"
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

/* ---- for programs ---------------------------------------------------------------------------- */

enum { KEY_NAMES = 0x3000, KEY_DUMP, KEY_COMPLETE, OUT_BYTES = 1 << 20 };

static const struct argp_option own[] = {
    {"names", KEY_NAMES, NULL, OPTION_HIDDEN, "the words of every verb, one a line", 1},
    {"dump", KEY_DUMP, NULL, OPTION_HIDDEN, "every verb and option, as JSON", 1},
    {"complete", KEY_COMPLETE, NULL, OPTION_HIDDEN, "what may stand for the last argument", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    int *wanted = state->input;

    (void)arg;
    if (key != KEY_NAMES && key != KEY_DUMP && key != KEY_COMPLETE) {
        return ARGP_ERR_UNKNOWN;
    }
    *wanted = key;
    return 0;
}

const struct usage usage_help = {
    .arguments = "[VERB]",
    .doc = "Lists the verbs, or the options of one.",
    .n_max = -1,
    .own = own,
    .parse_own = parse,
};

static void dump(void)
{
    OWN(buf) struct buf out = {0};

    buf_init(&out, OUT_BYTES);
    dump_append(&out);
    (void)puts(buf_text(&out));
}

/* A last line "\t" asks the shell to offer the names of the studies. */
static void complete(const struct options *options)
{
    OWN(buf) struct buf out = {0};
    bool wants_study;

    buf_init(&out, OUT_BYTES);
    completion_append(options->n_arguments, options->arguments, &out, &wants_study);
    (void)printf("%s%s", buf_text(&out), wants_study ? "\t\n" : "");
}

/* ---- for people ------------------------------------------------------------------------------ */

static int help_with(int argc, char **argv)
{
    const struct verb *verb;
    int n_words;
    struct err err = {0};
    char words[VERB_WORDS_BYTES];
    char program[VERB_WORDS_BYTES + 8];
    char help[] = "--help";

    if (argc == 1 && verb_is_group(argv[0])) {
        list_group(argv[0]);
        return EXIT_STATUS_OK;
    }
    if (verb_find(argc, argv, &verb, &n_words, &err) != 0) {
        (void)exit_with(&err);
        return EXIT_STATUS_USAGE;
    }
    (void)snprintf(program, sizeof program, "hone %s", verb_words(verb, words));
    char *arguments[] = {program, help, NULL};
    return verb->run(2, arguments);
}

int verb_help(int argc, char **argv)
{
    struct options options;
    int wanted = 0;

    options_read(&usage_help, argc, argv, &wanted, &options);
    switch (wanted) {
    case KEY_NAMES:
        list_words();
        return EXIT_STATUS_OK;
    case KEY_DUMP:
        dump();
        return EXIT_STATUS_OK;
    case KEY_COMPLETE:
        complete(&options);
        return EXIT_STATUS_OK;
    default:
        break;
    }
    if (options.n_arguments > 0) {
        return help_with(options.n_arguments, options.arguments);
    }
    list_verbs();
    return EXIT_STATUS_OK;
}

const struct usage usage_version = {.doc = "Prints which version this is."};

int verb_version(int argc, char **argv)
{
    struct options options;

    options_read(&usage_version, argc, argv, NULL, &options);
    (void)printf("hone %s\n", HONE_VERSION);
    return EXIT_STATUS_OK;
}
