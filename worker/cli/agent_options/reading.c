#include "worker/cli/agent_options/reading.h"

#include <string.h>

#include "worker/report/cursor.h"

enum { KEY_METRIC_REGEX = 0x4400, KEY_METRIC, KEY_STEP_REGEX };

static const struct argp_option reading_options[] = {
    {"metric-regex", KEY_METRIC_REGEX, "REGEX", 0,
     "find metrics in the output by named groups: 'loss=(?<loss>[-+.0-9eE]+)'; may be given "
     "several times\vThe expression is Perl-compatible; its named groups are metrics, or step. "
     "With groups called name and value the metric's name is taken from the output too, as often "
     "as the expression matches: '(?<name>[\\w|-]+)\\s*=\\s*(?<value>\\S+)'.",
     4},
    {"metric", KEY_METRIC, "NAME=REGEX", 0,
     "find the metric NAME, whatever it is called: its value is the first group\vAs in "
     "'val/loss=val loss: (\\S+)'. A name that has a sign of equality is put into double quotes. "
     "May be given several times.",
     4},
    {"step-regex", KEY_STEP_REGEX, "REGEX", 0,
     "find the step on a line of its own: 'Epoch (\\d+)'\vThe step is the first group. It stands "
     "for all metrics after it that have none, those of hone report too.",
     4},
    {0},
};

static void add(struct reading *reading, struct pattern_spec spec, const struct argp_state *state)
{
    if (reading->n == READING_MAX) {
        argp_error(state, "more than %d expressions for metrics", READING_MAX);
    }
    reading->specs[reading->n++] = spec;
}

/* NAME=REGEX, or "NAME"=REGEX where the name has a sign of equality. Cuts `arg` in two. */
static struct pattern_spec named(char *arg, const struct argp_state *state)
{
    struct cursor c = {.text = arg, .len = strlen(arg)};
    struct quoted quoted;
    char *equals = strchr(arg, '=');

    if (*arg == '"' && (!cursor_read_quoted(&c, &quoted) || arg[c.at] != '=')) {
        argp_error(state, "--metric %s: %s; write '\"NAME\"=REGEX'", arg,
                   c.at == 0 ? "the quote does not end" : "= is wanted behind the quoted name");
    } else if (*arg == '"') {
        equals = arg + c.at;
        memcpy(arg, quoted.text, quoted.len + 1);
    } else if (equals != NULL) {
        *equals = '\0';
    }
    if (equals == NULL || *arg == '\0') {
        argp_error(state, "--metric %s: write NAME=REGEX, such as 'val/loss=val loss: (\\S+)'",
                   arg);
    }
    return (struct pattern_spec){PATTERN_METRIC, arg, equals + 1};
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct reading *reading = state->input;

    switch (key) {
    case KEY_METRIC_REGEX:
        add(reading, (struct pattern_spec){PATTERN_GROUPS, NULL, arg}, state);
        return 0;
    case KEY_METRIC:
        add(reading, named(arg, state), state);
        return 0;
    case KEY_STEP_REGEX:
        add(reading, (struct pattern_spec){PATTERN_STEP, NULL, arg}, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp reading_argp = {reading_options, parse, NULL, NULL, NULL, NULL, NULL};
