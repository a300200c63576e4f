#include "worker/cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/suggest.h"
#include "worker/cli/status.h"

enum { KEY_SERVER = 0x1000, KEY_TOKEN_FILE, KEY_CA_FILE, KEY_CURL, KEY_COLOR, KEY_DRY_RUN };

static const char *const output_names[OUTPUT_COUNT] = {
    [OUTPUT_TABLE] = "table",   [OUTPUT_WIDE] = "wide", [OUTPUT_JSON] = "json",
    [OUTPUT_NDJSON] = "ndjson", [OUTPUT_CSV] = "csv",   [OUTPUT_NAME] = "name",
};

static const struct argp_option server_options[] = {
    {"server", KEY_SERVER, "URL", 0, "the server (default: HONE_URL)", 10},
    {"token-file", KEY_TOKEN_FILE, "FILE", 0, "holds the token (default: HONE_TOKEN_FILE)", 10},
    {"ca-file", KEY_CA_FILE, "FILE", 0, "trust these certificates instead of the system's", 10},
    {"curl", KEY_CURL, NULL, 0, "print the request for curl and send nothing", 10},
    {0},
};
static const struct argp_option output_options[] = {
    {"output", 'o', "FORMAT", 0, "table, wide, json, ndjson, csv or name", 9},
    {"color", KEY_COLOR, "WHEN", 0, "auto, always or never", 9},
    {0},
};
static const struct argp_option dry_run_options[] = {
    {"dry-run", KEY_DRY_RUN, NULL, 0, "show what would be sent and send nothing", 9},
    {0},
};
static const struct argp_option yes_options[] = {
    {"yes", 'y', NULL, 0, "do not ask", 9},
    {0},
};

static error_t output_from_name(struct options *options, const char *name,
                                const struct argp_state *state)
{
    struct suggestion_for meant = {.word = name};

    for (size_t i = 0; i < OUTPUT_COUNT; i++) {
        if (strcmp(output_names[i], name) == 0) {
            options->output = (enum output)i;
            return 0;
        }
        suggest_offer(&meant, output_names[i]);
    }
    argp_error(state, "-o %s: %s%s%s", name, meant.best == NULL ? "" : "did you mean ",
               meant.best == NULL ? "" : meant.best,
               meant.best == NULL ? "the formats are table, wide, json, ndjson, csv, name" : "?");
    return EINVAL;
}

static error_t color_from_name(struct options *options, const char *name,
                               const struct argp_state *state)
{
    static const char *const names[] = {
        [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            options->color = (enum color)i;
            return 0;
        }
    }
    argp_error(state, "--color %s: say auto, always or never", name);
    return EINVAL;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case KEY_SERVER:
        options->server = arg;
        return 0;
    case KEY_TOKEN_FILE:
        options->token_file = arg;
        return 0;
    case KEY_CA_FILE:
        options->ca_file = arg;
        return 0;
    case KEY_CURL:
        options->curl = true;
        return 0;
    case KEY_DRY_RUN:
        options->dry_run = true;
        return 0;
    case 'y':
        options->yes = true;
        return 0;
    case 'o':
        return output_from_name(options, arg, state);
    case KEY_COLOR:
        return color_from_name(options, arg, state);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp server_argp = {server_options, parse_common, NULL, NULL, NULL, NULL, NULL};
static const struct argp output_argp = {output_options, parse_common, NULL, NULL, NULL, NULL, NULL};
static const struct argp dry_run_argp = {
    dry_run_options, parse_common, NULL, NULL, NULL, NULL, NULL};
static const struct argp yes_argp = {yes_options, parse_common, NULL, NULL, NULL, NULL, NULL};

/* ---- "did you mean --trials?" ------------------------------------------------------------------
 * getopt would only say that it knows no such option, so the arguments are checked beforehand. */

enum { CHILDREN_MAX = OPTION_GROUPS_MAX + 4 };

struct option_reader {
    const struct usage *usage;
    void *input;
    struct options *options;
    struct argp_child children[CHILDREN_MAX + 1];
    const struct argp_option *known[CHILDREN_MAX + 2];
    size_t n_children, n_known;
};

static const struct argp_option help_options[] = {
    {"help", '?', NULL, 0, NULL, 0}, {"usage", 0x1ff, NULL, 0, NULL, 0}, {0}};

static bool is_end(const struct argp_option *option)
{
    return option->name == NULL && option->key == 0 && option->doc == NULL;
}

static const struct argp_option *find_long(const struct option_reader *reader, const char *word,
                                           size_t len, struct suggestion_for *meant)
{
    const struct argp_option *by_prefix = NULL;

    for (size_t i = 0; i < reader->n_known; i++) {
        for (const struct argp_option *option = reader->known[i]; !is_end(option); option++) {
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

static const struct argp_option *find_short(const struct option_reader *reader, char letter)
{
    for (size_t i = 0; i < reader->n_known; i++) {
        for (const struct argp_option *option = reader->known[i]; !is_end(option); option++) {
            if (option->key == letter) {
                return option;
            }
        }
    }
    return NULL;
}

static _Noreturn void unknown_option(const struct option_reader *reader, const char *program,
                                     const char *word, const char *meant)
{
    bool trailing = (reader->usage->flags & USAGE_TRAILING) != 0;

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
static const struct argp_option *find_option(const struct option_reader *reader,
                                             const char *program, const char *word, bool *is_bare)
{
    if (word[1] == '-') {
        size_t len = strcspn(word + 2, "=");
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", (int)(len < 60 ? len : 60), word + 2);
        struct suggestion_for meant = {.word = name};
        const struct argp_option *option = find_long(reader, word + 2, len, &meant);
        if (option == NULL) {
            unknown_option(reader, program, word, meant.best);
        }
        *is_bare = word[2 + len] == '\0';
        return option->arg == NULL ? NULL : option;
    }
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct argp_option *option = find_short(reader, *letter);
        if (option == NULL) {
            struct suggestion_for meant = {.word = word + 1}; /* "-trials" */
            (void)find_long(reader, word + 1, strlen(word + 1), &meant);
            unknown_option(reader, program, word, meant.best);
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
static bool check_option(const struct option_reader *reader, const char *program, const char *word,
                         const char *next)
{
    bool is_bare = false;
    const struct argp_option *option = find_option(reader, program, word, &is_bare);

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

static void check_options(const struct option_reader *reader, int argc, char *const argv[])
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (argv[i][0] == '-' && argv[i][1] != '\0'
            && check_option(reader, argv[0], argv[i], i + 1 < argc ? argv[i + 1] : NULL)) {
            i++;
        }
    }
}

/* ---- one parser out of several -------------------------------------------------------------- */

/* NULL: the parser is one of those here. */
static const struct option_group *find_group(const struct usage *usage, const struct argp *argp)
{
    const struct option_group *group = usage->groups;

    while (group != NULL && group->argp != NULL && group->argp != argp) {
        group++;
    }
    return group == NULL || group->argp == NULL ? NULL : group;
}

static error_t parse_verb(int key, char *arg, struct argp_state *state)
{
    struct option_reader *reader = state->input;
    const struct usage *usage = reader->usage;
    struct options *options = reader->options;

    if (key == ARGP_KEY_INIT) {
        for (size_t i = 0; i < reader->n_children; i++) {
            const struct option_group *group = find_group(usage, reader->children[i].argp);
            state->child_inputs[i] =
                group == NULL ? (void *)options : (char *)reader->input + group->input_at;
        }
    }
    if (key == ARGP_KEY_ARGS) { /* all that is left, `arg` notwithstanding */
        options->arguments = state->argv + state->next;
        options->n_arguments = state->argc - state->next;
        state->next = state->argc;
        return 0;
    }
    if (key == ARGP_KEY_END && options->n_arguments < usage->n_min) {
        argp_error(state, "%s", usage->missing);
    }
    if (key == ARGP_KEY_END && usage->n_max >= 0 && options->n_arguments > usage->n_max) {
        argp_error(state, "'%s' is one argument too many", options->arguments[usage->n_max]);
    }
    if (usage->parse_own != NULL) {
        state->input = reader->input;
        error_t result = usage->parse_own(key, arg, state);
        state->input = reader;
        return result;
    }
    return ARGP_ERR_UNKNOWN;
}

static void add_child(struct option_reader *reader, const struct argp *argp)
{
    reader->children[reader->n_children++] = (struct argp_child){argp, 0, NULL, 0};
    reader->known[reader->n_known++] = argp->options;
}

error_t options_parse_flag(int key, char *arg, struct argp_state *state)
{
    bool *flag = state->input;

    (void)arg;
    if (key == KEY_FLAG) {
        *flag = true;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

void options_read(const struct usage *usage, int argc, char **argv, void *input,
                  struct options *options)
{
    struct option_reader reader = {.usage = usage, .input = input, .options = options};

    *options = (struct options){0};
    argp_err_exit_status = EXIT_STATUS_USAGE;
    reader.known[reader.n_known++] = help_options;
    if (usage->own != NULL) {
        reader.known[reader.n_known++] = usage->own;
    }
    for (const struct option_group *group = usage->groups;
         group != NULL && group->argp != NULL && reader.n_children < OPTION_GROUPS_MAX; group++) {
        add_child(&reader, group->argp);
    }
    if ((usage->flags & USAGE_OUTPUT) != 0) {
        add_child(&reader, &output_argp);
    }
    if ((usage->flags & USAGE_DRY_RUN) != 0) {
        add_child(&reader, &dry_run_argp);
    }
    if ((usage->flags & USAGE_YES) != 0) {
        add_child(&reader, &yes_argp);
    }
    if ((usage->flags & USAGE_SERVER) != 0) {
        add_child(&reader, &server_argp);
    }
    check_options(&reader, argc, argv);
    struct argp argp = {usage->own, parse_verb, usage->arguments, usage->doc, reader.children,
                        NULL,       NULL};
    error_t failed = argp_parse(&argp, argc, argv, 0, NULL, &reader);
    if (failed != 0) {
        (void)fprintf(stderr, "%s: %s\n", argv[0], strerror(failed));
        exit(EXIT_STATUS_USAGE);
    }
}

bool options_color(const struct options *options, int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if (options->color != COLOR_AUTO) {
        return options->color == COLOR_ALWAYS;
    }
    return (no_color == NULL || *no_color == '\0') && term != NULL && strcmp(term, "dumb") != 0
           && isatty(fd) == 1;
}

size_t terminal_width(int fd)
{
    struct winsize size;

    if (isatty(fd) != 1) {
        return 0;
    }
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}
