#include "worker/cli/options.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/integer.h"
#include "common/suggest.h"
#include "worker/cli/help_stream.h"
#include "worker/cli/option_check.h"
#include "worker/cli/status.h"

enum {
    KEY_SERVER = 0x1000,
    KEY_TOKEN_FILE,
    KEY_CA_FILE,
    KEY_CURL,
    KEY_COLOR,
    KEY_DRY_RUN,
    KEY_WIDTH
};

static const char *const output_names[OUTPUT_COUNT] = {
    [OUTPUT_TABLE] = "table",   [OUTPUT_WIDE] = "wide", [OUTPUT_JSON] = "json",
    [OUTPUT_NDJSON] = "ndjson", [OUTPUT_CSV] = "csv",   [OUTPUT_NAME] = "name",
};

static const struct argp_option server_options[] = {
    {"server", KEY_SERVER, "URL", 0,
     "the server, such as http://tuner:4663 (default: HONE_URL)\vWithout either, the private "
     "server of hone-run(1) is used if one runs, or started again if it has studies, which is "
     "said, else http://127.0.0.1:4663. May stand in front of the verb too.",
     10},
    {"token-file", KEY_TOKEN_FILE, "FILE", 0,
     "a file that holds the token in one line (default: HONE_TOKEN_FILE)\vA token is never an "
     "argument, where other people on the machine could read it.",
     10},
    {"ca-file", KEY_CA_FILE, "FILE", 0,
     "trust the certificates in this PEM file instead of the system's", 10},
    {"curl", KEY_CURL, NULL, 0,
     "print the request as a line for curl and send nothing\vThe token is not in it: the line "
     "reads the file when it is run.",
     10},
    {0},
};
static const struct argp_option output_options[] = {
    {"output", 'o', "FORMAT", 0,
     "table, wide, json, ndjson, csv or name\vtable, the default, is aligned and cut to the width "
     "of the terminal, with numbers of four digits; wide has every column and cuts nothing; json "
     "is one JSON value, ndjson one a line; csv has a line of titles, moments in UTC and numbers "
     "in full; name is the name or number alone, one a line. The CSV of trials has the columns and "
     "cells of GET /v1/studies/NAME/export. Nothing is left out of a text, except on a terminal "
     "what would command it.",
     9},
    {"color", KEY_COLOR, "WHEN", 0, "auto (the default: on a terminal), always or never", 9},
    {"width", KEY_WIDTH, "COLUMNS", 0,
     "cut or wrap lines of text there (default: at the terminal's width)\vInto a pipe lines are as "
     "long as they are unless this is said.",
     9},
    {0},
};
static const struct argp_option dry_run_options[] = {
    {"dry-run", KEY_DRY_RUN, NULL, 0, "show what would be sent, as JSON, and send nothing", 9},
    {0},
};
static const struct argp_option yes_options[] = {
    {"yes", 'y', NULL, 0,
     "do what cannot be undone without asking\vWithout a terminal to ask on, this is needed.", 9},
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

static error_t width_from_text(struct options *options, const char *text,
                               const struct argp_state *state)
{
    int64_t width = 0;

    if (!integer_from_text(text, 20, 10000, &width)) {
        argp_error(state, "--width %s: write a number of columns from 20 to 10000", text);
    }
    options->width = (size_t)width;
    return 0;
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
    case KEY_WIDTH:
        return width_from_text(options, arg, state);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* In --help an option has its first lines; what follows '\v' is for the manual alone. */
static char *first_lines(int key, const char *text, void *input)
{
    const char *end = text == NULL ? NULL : strchr(text, '\v');

    (void)key;
    (void)input;
    return end == NULL ? (char *)(uintptr_t)text : strndup(text, (size_t)(end - text));
}

/* What verbs share, by the flag that asks for it. */
static const struct {
    unsigned flag;
    struct option_list list;
} shared[] = {
    {USAGE_OUTPUT, {"output", output_options}},
    {USAGE_DRY_RUN, {"dry-run", dry_run_options}},
    {USAGE_YES, {"yes", yes_options}},
    {USAGE_SERVER, {"server", server_options}},
};
enum { N_SHARED = sizeof shared / sizeof shared[0] };

bool option_is_end(const struct argp_option *option)
{
    return option->name == NULL && option->key == 0 && option->doc == NULL;
}

bool usage_option_list(const struct usage *usage, size_t i, struct option_list *list)
{
    if (usage->own != NULL && i-- == 0) {
        *list = (struct option_list){"own", usage->own};
        return true;
    }
    for (const struct option_group *group = usage->groups; group != NULL && group->argp != NULL;
         group++) {
        if (i-- == 0) {
            *list = (struct option_list){group->name, group->argp->options};
            return true;
        }
    }
    for (size_t k = 0; k < N_SHARED; k++) {
        if ((usage->flags & shared[k].flag) != 0 && i-- == 0) {
            *list = shared[k].list;
            return true;
        }
    }
    return false;
}

/* ---- one parser out of several -------------------------------------------------------------- */

enum { CHILDREN_MAX = OPTION_GROUPS_MAX + N_SHARED };

struct option_reader {
    const struct usage *usage;
    void *input;
    struct options *options;
    struct argp parsers[CHILDREN_MAX];
    struct argp_child children[CHILDREN_MAX + 1];
    void *inputs[CHILDREN_MAX];
    size_t n_children;
};

static error_t parse_verb(int key, char *arg, struct argp_state *state)
{
    struct option_reader *reader = state->input;
    const struct usage *usage = reader->usage;
    struct options *options = reader->options;

    if (key == ARGP_KEY_INIT) {
        help_stream_take(&state->out_stream);
        for (size_t i = 0; i < reader->n_children; i++) {
            state->child_inputs[i] = reader->inputs[i];
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

static void add_child(struct option_reader *reader, const struct argp *argp, void *input)
{
    struct argp *parser = &reader->parsers[reader->n_children];

    *parser = *argp;
    parser->help_filter = first_lines;
    reader->children[reader->n_children] = (struct argp_child){parser, 0, NULL, 0};
    reader->inputs[reader->n_children++] = input;
}

static void add_children(struct option_reader *reader)
{
    const struct usage *usage = reader->usage;

    for (const struct option_group *group = usage->groups;
         group != NULL && group->argp != NULL && reader->n_children < OPTION_GROUPS_MAX; group++) {
        add_child(reader, group->argp, (char *)reader->input + group->input_at);
    }
    for (size_t i = 0; i < N_SHARED; i++) {
        if ((usage->flags & shared[i].flag) != 0) {
            struct argp argp = {.options = shared[i].list.options, .parser = parse_common};
            add_child(reader, &argp, reader->options);
        }
    }
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
    add_children(&reader);
    options_check(usage, argc, argv);
    struct argp argp = {usage->own,  parse_verb, usage->arguments, usage->doc, reader.children,
                        first_lines, NULL};
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

size_t options_width(const struct options *options, int fd)
{
    return options->width > 0 ? options->width : terminal_width(fd);
}

size_t terminal_width(int fd)
{
    struct winsize size;

    if (isatty(fd) != 1) {
        return 0;
    }
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}

int options_leading(int argc, char *const argv[])
{
    const char *word = argc > 0 ? argv[0] : "";
    size_t len = strcspn(word, "=");

    for (const struct argp_option *option = server_options; option->name != NULL; option++) {
        if (strncmp(word, "--", 2) == 0 && len == strlen(option->name) + 2
            && strncmp(word + 2, option->name, len - 2) == 0) {
            return option->arg == NULL || word[len] == '=' || argc < 2 ? 1 : 2;
        }
    }
    return 0;
}
