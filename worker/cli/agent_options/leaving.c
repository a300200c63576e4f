#include "worker/cli/agent_options/leaving.h"

#include "worker/agent/agent.h"

enum { KEY_EXIT = 0x4300 };

static const struct argp_option leaving_options[] = {
    {"exit-when-finished", KEY_EXIT, NULL, 0, "leave when the study is finished or stopped", 3},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct agent_settings *settings = state->input;

    (void)arg;
    switch (key) {
    case KEY_EXIT:
        settings->exit_when_finished = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp leaving_argp = {leaving_options, parse, NULL, NULL, NULL, NULL, NULL};
