#include "worker/cli/agent_options/outage.h"

#include <string.h>

#include "common/integer.h"
#include "worker/agent/agent.h"
#include "worker/cli/define/span.h"

enum { KEY_OFFLINE = 0x4900 };

static const struct argp_option outage_options[] = {
    {"offline", KEY_OFFLINE, "SPAN", 0,
     "while the server is away, let jobs run on for so long; 0: stop them at once, never: as long "
     "as it takes (default: 40m)\vWhat they measured before is kept and sent when the server "
     "answers again, and a trial that was stopped is handed back with its checkpoint; a result "
     "counts however late it is, unless the server has given the trial to another worker "
     "meanwhile.",
     7},
    {0},
};

static int64_t offline_from(const char *arg, const struct argp_state *state)
{
    double seconds = span_seconds(arg);

    if (strcmp(arg, "never") == 0 || strcmp(arg, "inf") == 0) {
        return AGENT_OFFLINE_NEVER;
    }
    if (!(seconds >= 0)) {
        argp_error(state, "--offline %s: write a span such as 90s, 15m, 2h, 1d, or 'never'", arg);
    }
    return seconds > 0 ? integer_from_real(seconds * 1000) + (seconds < 0.001)
                       : AGENT_OFFLINE_AT_ONCE;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct agent_settings *settings = state->input;

    switch (key) {
    case KEY_OFFLINE:
        settings->offline_ms = offline_from(arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp outage_argp = {outage_options, parse, NULL, NULL, NULL, NULL, NULL};
