/* Reading a verb's command line: glibc argp with nested parsers, so that every verb gets the same
 * --server, -o, --curl, --dry-run and --help, and a mistyped option gets a suggestion.
 *
 * A verb describes itself in a `struct usage` and calls options_read(); what is wrong with the
 * command line ends the program with status 2 and a sentence that says what to write. */
#ifndef WORKER_CLI_OPTIONS_H
#define WORKER_CLI_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

enum output {
    OUTPUT_TABLE, /* aligned, for a terminal */
    OUTPUT_WIDE,  /* the same with every column and nothing cut */
    OUTPUT_JSON,
    OUTPUT_NDJSON,
    OUTPUT_CSV,
    OUTPUT_NAME, /* names alone, one a line */
    OUTPUT_COUNT
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

#define OPTIONS_ARGUMENTS_MAX 1024

/* What all verbs share, as given; NULL where nothing was given. */
struct options {
    const char *server;
    const char *token_file;
    const char *ca_file;
    enum output output;
    enum color color;
    size_t width; /* 0: not said */
    bool curl;    /* print the request, send nothing */
    bool dry_run; /* print what would be written, write nothing */
    bool yes;
    int n_arguments;
    char **arguments; /* borrowed from argv */
};

enum usage_flags {
    USAGE_SERVER = 1,   /* --server, --token-file, --ca-file, --curl */
    USAGE_OUTPUT = 2,   /* -o, --color */
    USAGE_DRY_RUN = 4,  /* --dry-run */
    USAGE_YES = 8,      /* --yes */
    USAGE_TRAILING = 16 /* what stands behind "--" is another program's command line */
};

/* Options that several verbs have, with a parser of their own. */
struct option_group {
    const char *name; /* of the list in the manual */
    const struct argp *argp;
    size_t input_at; /* its state->input is so many bytes behind the verb's `input` */
};

#define OPTION_GROUPS_MAX 12

struct usage {
    const char *arguments; /* "NAME" */
    const char *doc;       /* the --help text; '\v' divides what stands before and after options */
    unsigned flags;
    int n_min, n_max;                  /* how many arguments; n_max < 0: any number */
    const char *missing;               /* what to say when there are too few */
    const struct argp_option *own;     /* ends with {0}; NULL: none */
    argp_parser_t parse_own;           /* sees the keys of `own` with state->input = `input` */
    const struct option_group *groups; /* ends with {0}; NULL: none */
};

/* Some options of a verb, which belong together. */
struct option_list {
    const char *name; /* "own", that of its group, or of what the verbs share: "output", "server" */
    const struct argp_option *options; /* until option_is_end() */
};
/* The i-th one of the verb, in the order of its help; false behind the last. The text of an option
 * may have a '\v': what stands before it is its help, all of it is its place in the manual. */
bool usage_option_list(const struct usage *usage, size_t i, struct option_list *list);
bool option_is_end(const struct argp_option *option);

/* Fills *options, and whatever `parse_own` fills in *input. */
void options_read(const struct usage *usage, int argc, char **argv, void *input,
                  struct options *options);

/* How many words an option of every verb (--server, --token-file, …) takes at the front of argv; 0:
 * it is none. For those that stand in front of the verb. */
int options_leading(int argc, char *const argv[]);

/* `parse_own` of a verb whose one own option is a flag with the key KEY_FLAG: sets the bool
 * `input`. */
#define KEY_FLAG 0x3000
error_t options_parse_flag(int key, char *arg, struct argp_state *state);

/* Whether to use colour on this stream: --color, NO_COLOR, TERM=dumb, a terminal or not. */
bool options_color(const struct options *options, int fd);

/* How wide lines may be: --width, else the terminal's columns, else 0: as wide as they are. */
size_t options_width(const struct options *options, int fd);

/* Columns of the terminal behind `fd`, 0 if it is none. */
size_t terminal_width(int fd);

#endif
