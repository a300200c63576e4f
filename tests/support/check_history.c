/* check_history [--drained] [--drained-within SECONDS] [--ttl-scale X] [--min-faults N]
 *               [--min-requests N] HISTORY DUMP
 *
 * Prints the violations of checker.h. Exit status: 0 none; 1 some; 2 a file that cannot be read;
 * 3 the run is invalid, it proves nothing: fewer faults or requests than promised. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "tests/support/checker.h"

struct arguments {
    struct checker_options options;
    size_t min_faults;
    size_t min_requests;
    const char *files[2];
};

enum { KEY_DRAINED = 1000, KEY_WITHIN, KEY_TTL_SCALE, KEY_MIN_FAULTS, KEY_MIN_REQUESTS };

static const struct argp_option options[] = {
    {"drained", KEY_DRAINED, NULL, 0, "Every trial must be final", 0},
    {"drained-within", KEY_WITHIN, "SECONDS", 0, "And so soon after the last fault", 0},
    {"ttl-scale", KEY_TTL_SCALE, "X", 0, "The server's clock runs X times faster", 0},
    {"min-faults", KEY_MIN_FAULTS, "N", 0, "Refuse a run with fewer injected faults", 0},
    {"min-requests", KEY_MIN_REQUESTS, "N", 0, "Refuse a run with fewer acknowledged requests", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case KEY_DRAINED:
        arguments->options.drained = true;
        return 0;
    case KEY_TTL_SCALE:
        arguments->options.ttl_scale = strtod(arg, NULL);
        return 0;
    case KEY_WITHIN:
        arguments->options.drained_within_seconds = strtod(arg, NULL);
        return 0;
    case KEY_MIN_REQUESTS:
        arguments->min_requests = strtoul(arg, NULL, 10);
        return 0;
    case KEY_MIN_FAULTS:
        arguments->min_faults = strtoul(arg, NULL, 10);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 2) {
            argp_usage(state);
        }
        arguments->files[state->arg_num] = arg;
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num != 2) {
            argp_usage(state);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int read_lines(const char *path, struct history *history,
                      int (*add)(struct history *, const char *, size_t, struct err *))
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    size_t number = 0;
    int result = 0;

    if (file == NULL) {
        (void)fprintf(stderr, "check_history: cannot open %s\n", path);
        return -1;
    }
    while (result == 0 && (len = getline(&line, &cap, file)) > 0) {
        struct err err = {0};

        number++;
        result = add(history, line, (size_t)len, &err);
        if (result != 0) {
            (void)fprintf(stderr, "check_history: %s:%zu: %s\n", path, number, err.text);
        }
    }
    free(line);
    (void)fclose(file);
    return result;
}

static size_t count_acknowledged(const struct history *history)
{
    size_t n = 0;

    for (size_t i = 0; i < history->n_ops; i++) {
        n += history->ops[i].status == OP_OK;
    }
    return n;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {options,
                                     parse_option,
                                     "HISTORY DUMP",
                                     "Judges a recorded history against the server's dump",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments arguments = {0};
    OWN(history) struct history history;
    OWN(verdict) struct verdict verdict = {0};

    json_start();
    history_init(&history);
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (read_lines(arguments.files[0], &history, history_add) != 0
        || read_lines(arguments.files[1], &history, history_add_dump) != 0) {
        return 2;
    }
    checker_run(&history, &arguments.options, &verdict);
    (void)fputs(buf_text(&verdict.text), stdout);
    size_t n_ok = count_acknowledged(&history);
    for (int rule = 1; rule < CHECKER_RULES; rule++) {
        if (verdict.counts[rule] > 0) {
            (void)printf("rule A%d is violated: %zu\n", rule, verdict.counts[rule]);
        }
    }
    (void)printf("%zu requests, %zu acknowledged, %zu trials, %zu attempts, %zu measurements, "
                 "%zu faults: %zu violations\n",
                 history.n_ops, n_ok, history.n_trials, history.n_attempts, history.n_rows,
                 history.n_faults, verdict.total);
    if (verdict.total > 0) {
        return 1;
    }
    if (history.n_faults < arguments.min_faults || n_ok < arguments.min_requests) {
        (void)printf("invalid: %zu faults and %zu acknowledged requests were asked for\n",
                     arguments.min_faults, arguments.min_requests);
        return 3;
    }
    return 0;
}
