#include "worker/cli/verbs/reading.h"

#include <string.h>

#include "worker/report/cursor.h"

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

    if (*arg == '"' && cursor_read_quoted(&c, &quoted) && arg[c.at] == '=') {
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

error_t reading_parse(struct reading *reading, int key, char *arg, const struct argp_state *state)
{
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
