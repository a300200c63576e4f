#include "worker/cli/option_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/suggest.h"
#include "worker/cli/status.h"

static const struct argp_option help_options[] = {
    {"help", '?', NULL, 0, NULL, 0}, {"usage", 0x1ff, NULL, 0, NULL, 0}, {0}};

/* The i-th list of options that the verb knows, those of argp itself first; NULL behind the last.
 */
static const struct argp_option *list_at(const struct usage *usage, size_t i)
{
    struct option_list list;

    if (i == 0) {
        return help_options;
    }
    return usage_option_list(usage, i - 1, &list) ? list.options : NULL;
}

static const struct argp_option *find_long(const struct usage *usage, const char *word, size_t len,
                                           struct suggestion_for *meant)
{
    const struct argp_option *by_prefix = NULL;

    const struct argp_option *option;

    for (size_t i = 0; (option = list_at(usage, i)) != NULL; i++) {
        for (; !option_is_end(option); option++) {
            if (option->name == NULL) {
                continue;
            }
            suggest_offer(meant, option->name);
            if (strncmp(option->name, word, len) == 0) {
                by_prefix = option;
                if (strlen(option->name) == len) {
                    return option;
                }
            }
        }
    }
    return by_prefix;
}

static const struct argp_option *find_short(const struct usage *usage, char letter)
{
    const struct argp_option *option;

    for (size_t i = 0; (option = list_at(usage, i)) != NULL; i++) {
        for (; !option_is_end(option); option++) {
            if (option->key == letter) {
                return option;
            }
        }
    }
    return NULL;
}

static _Noreturn void unknown_option(const struct usage *usage, const char *program,
                                     const char *word, const char *meant)
{
    bool trailing = (usage->flags & USAGE_TRAILING) != 0;

    (void)fprintf(stderr, "%s: there is no option '%s'", program, word);
    if (meant != NULL) {
        (void)fprintf(stderr, "; did you mean '--%s'?", meant);
    } else {
        (void)fprintf(stderr, "; '%s --help' lists them", program);
    }
    (void)fprintf(stderr, "%s\n",
                  trailing ? " (the command and its options go behind ' -- ')" : "");
    exit(EXIT_STATUS_USAGE);
}

/* The option in `word`, or the one of its letters that has an argument; NULL: none has one.
 * *is_bare ← nothing stands behind it in the word. An unknown one ends the program. */
static const struct argp_option *find_option(const struct usage *usage, const char *program,
                                             const char *word, bool *is_bare)
{
    if (word[1] == '-') {
        size_t len = strcspn(word + 2, "=");
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", (int)(len < 60 ? len : 60), word + 2);
        struct suggestion_for meant = {.word = name};
        const struct argp_option *option = find_long(usage, word + 2, len, &meant);
        if (option == NULL) {
            unknown_option(usage, program, word, meant.best);
        }
        *is_bare = word[2 + len] == '\0';
        return option->arg == NULL ? NULL : option;
    }
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct argp_option *option = find_short(usage, *letter);
        if (option == NULL) {
            struct suggestion_for meant = {.word = word + 1}; /* "-trials" */
            (void)find_long(usage, word + 1, strlen(word + 1), &meant);
            unknown_option(usage, program, word, meant.best);
        }
        if (option->arg != NULL) {
            *is_bare = letter[1] == '\0';
            return option;
        }
    }
    return NULL;
}

/* "5m", "90" */
static bool is_like_span(const char *word)
{
    size_t digits = strspn(word, "0123456789.");

    return digits > 0 && word[digits + strspn(word + digits, "smhd")] == '\0';
}

/* Whether the option in `word` takes `next`, NULL: the last word, as its value. */
static bool check_option(const struct usage *usage, const char *program, const char *word,
                         const char *next)
{
    bool is_bare = false;
    const struct argp_option *option = find_option(usage, program, word, &is_bare);

    if (option == NULL || !is_bare || next == NULL) {
        return false;
    }
    if ((option->flags & OPTION_ARG_OPTIONAL) != 0) {
        if (is_like_span(next)) {
            (void)fprintf(stderr, "%s: write %s=%s, in one word\n", program, word, next);
            exit(EXIT_STATUS_USAGE);
        }
        return false;
    }
    if (strcmp(next, "--") == 0) {
        (void)fprintf(stderr, "%s: %s needs an argument, %s, in front of ' -- '\n", program, word,
                      option->arg);
        exit(EXIT_STATUS_USAGE);
    }
    return true;
}

void options_check(const struct usage *usage, int argc, char *const argv[])
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (argv[i][0] == '-' && argv[i][1] != '\0'
            && check_option(usage, argv[0], argv[i], i + 1 < argc ? argv[i + 1] : NULL)) {
            i++;
        }
    }
}
